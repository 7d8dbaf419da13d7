/** What the package shows to its users, by name. */
export { ApiKeyCalls, Client, DeploymentCalls, ServerCalls, ToolCalls } from "./client.ts";
export { EventCalls } from "./event-calls.ts";
export type { WatchOptions } from "./event-calls.ts";
export type { ClientClock } from "./clock.ts";
export type { ApplyOptions, DeleteOptions, DiffOptions, ImportOptions, LogLine, LogOptions } from "./client.ts";
export type { LabelledListQuery, ListQuery } from "./lists.ts";
export { SecretCalls } from "./secret-calls.ts";
export { DeadLetterCalls, WebhookCalls } from "./webhook-calls.ts";
export type { DeadLetterQuery, IfRevisionOptions, OfWebhookOptions } from "./webhook-calls.ts";
export type { CallOptions, ClientOptions } from "./connection.ts";
export { ManagerError } from "@mcp-manager/api";
