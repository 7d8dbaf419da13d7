/** What the package shows to the others, by name. */
export { ManagerError, errorCodes } from "./error.ts";
export type { ErrorCode, FieldError, ManagerErrorOptions } from "./error.ts";
export { derivedNamePattern, isName, legalName, nameLengthMax, namePattern, nameRule } from "./name.ts";
export {
  durationMs,
  durationPattern,
  formatDuration,
  formatSize,
  sizeBytes,
  sizePattern,
  sizeRule,
} from "./quantity.ts";
export type { Duration, Size } from "./quantity.ts";
export type { Condition, FailureStage, LastFailure, List, Metadata, MetadataInput, Resource } from "./resource.ts";
export { pendingServerStatus, serverDefaults } from "./server.ts";
export type {
  Autoscale,
  BreakerDetail,
  BreakerRules,
  BreakerState,
  DeploymentRules,
  Expose,
  HealthRules,
  Limits,
  LiveServer,
  ProcessSource,
  RecentEvent,
  RateLimit,
  RemoteSource,
  Sandbox,
  SandboxLevel,
  SandboxRules,
  Server,
  ServerDraft,
  ServerInput,
  ServerLoad,
  ServerSource,
  ServerSourceInput,
  ServerSpec,
  ServerSpecInput,
  ServerState,
  ServerStatus,
  Sharing,
  ToolExposure,
  ToolOverride,
  UpstreamAuth,
} from "./server.ts";
export { byPeople, deploymentName, isOver, newestDeployment, pendingDeploymentStatus } from "./deployment.ts";
export type {
  AnalysisResult,
  Deployment,
  DeploymentPhase,
  DeploymentProgress,
  DeploymentReason,
  DeploymentSpec,
  DeploymentStatus,
  DeploymentTraffic,
  NextRoute,
  ReplicaCount,
  Route,
  SchemaChange,
  SchemaClass,
  SchemaDiff,
  VariantResult,
} from "./deployment.ts";
export type { Event, EventTopic, PassingTopic, StoredTopic, StreamItem } from "./event.ts";
export { isStoredTopic, passingTopics, storedTopics, topics, topicsMatching } from "./topics.ts";
export type {
  AbStrategy,
  AnalysisName,
  AnalysisRule,
  AnalysisRuleInput,
  BlueGreenStrategy,
  CanaryStep,
  CanaryStepInput,
  CanaryStrategy,
  Match,
  RecreateStrategy,
  RollingStrategy,
  Strategy,
  StrategyInput,
  StrategyKind,
  Variant,
} from "./strategy.ts";
export { canonicalJson } from "./canonical-json.ts";
export { revisionName, runnablePart, runnableText } from "./revision.ts";
export type { Revision, RevisionSpec, RevisionStatus, RunnablePart } from "./revision.ts";
export { pendingReplicaStatus } from "./replica.ts";
export type { Override, OverrideSpec } from "./override.ts";
export type {
  Isolation,
  Replica,
  ReplicaHealth,
  ReplicaLoad,
  ReplicaSpec,
  ReplicaState,
  ReplicaStatus,
} from "./replica.ts";
export type { ApiKey, ApiKeyDraft, ApiKeyInput, ApiKeySpec, ApiKeyStatus, CreatedApiKey } from "./api-key.ts";
export type { Secret, SecretDraft, SecretInput, SecretSpec, SecretStatus } from "./secret.ts";
export type { ImportAnswer, ImportedSecret, ImportedServer, ImportRequest } from "./import.ts";
export { pendingWebhookStatus } from "./webhook.ts";
export type { Webhook, WebhookDraft, WebhookInput, WebhookSpec, WebhookStatus } from "./webhook.ts";
export type { DeadLetter, DeadLetterCount, DeadLetterSpec, DeadLetterStatus } from "./dead-letter.ts";
export { isAllowed, roleNames, rolePermissions } from "./role.ts";
export type { Permission, Principal, RoleName } from "./role.ts";
export {
  expandReferences,
  findReferences,
  isReplaced,
  secretNames,
  secretsAmong,
  sourceReferences,
} from "./reference.ts";
export type { Reference } from "./reference.ts";
export { parseApiKey, parseSecret, parseServer, parseWebhook } from "./parse.ts";
export type { ParseOptions } from "./parse.ts";
export { check, describe, invalidFields } from "./check.ts";
export type { Checked } from "./check.ts";
export { nearest } from "./nearest.ts";
export { fromProblem, problemType, toProblem } from "./problem.ts";
export type { Problem, ProblemOptions } from "./problem.ts";
export type {
  BreakerRequest,
  ConfigHealth,
  DeployRequest,
  DeployRequestInput,
  FieldChange,
  Health,
  OverloadStage,
  PromoteRequest,
  RestartRequest,
  RevisionDiff,
  RollbackRequest,
  ServerHealth,
  Tool,
  ToolCall,
} from "./answers.ts";
export { breakerRequestSchema, restartRequestSchema, toolCallSchema } from "./schema/answers.ts";
export {
  deployRequestSchema,
  emptyRequestSchema,
  promoteRequestSchema,
  rollbackRequestSchema,
} from "./schema/deploy.ts";
export type { ConfigDiff, ConfigDiffRequest, ServerDifference } from "./config-diff.ts";
export { configDiffRequestSchema } from "./schema/config-diff.ts";
export { hiddenValue } from "./schema/source.ts";
export { isSigningSecret, signingSecretRule } from "./schema/webhook.ts";
export { commonErrors, parseLabels, parseQuery, rpcOf } from "./operation.ts";
export type { Answer, Operation, Parameter, ParameterValue, Rpc } from "./operation.ts";
export { lastEventId } from "./event-operations.ts";
export { eventStreamType, operations, probes } from "./operations.ts";
export type { OperationName, ProbeName } from "./operations.ts";
export { openApiDocument } from "./openapi.ts";
export type { Json } from "./openapi.ts";
export { parseServerJson } from "./server-json/format.ts";
export type { ServerJson } from "./server-json/format.ts";
export { offersOf } from "./server-json/offers.ts";
export type { Offer } from "./server-json/offers.ts";
export { missingAnswers, mistakeIn, wrongAnswers } from "./server-json/answers.ts";
export type { Answers } from "./server-json/answers.ts";
export type { Question } from "./server-json/slots.ts";
