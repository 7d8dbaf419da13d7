/**
 * Everything that can be asked of the manager over REST, as data: the adapter routes by this table, the OpenAPI document is
 * written from it, and tests hold the client and the command line against it. Source: resources.md, "REST".
 */
import {
  breakerRequestSchema,
  healthSchema,
  restartRequestSchema,
  toolCallSchema,
  toolResultSchema,
  toolSchema,
} from "./schema/answers.ts";
import { listSchema } from "./schema/common.ts";
import { deployRequestSchema, revisionDiffSchema, rollbackRequestSchema } from "./schema/deploy.ts";
import { deploymentListSchema } from "./schema/deployment.ts";
import { apiKeyInputSchema, apiKeySchema, createdApiKeySchema, replicaSchema, revisionSchema } from "./schema/kinds.ts";
import { serverInputSchema, serverListSchema, serverSchema } from "./schema/server.ts";
import { deployment, type DeploymentOperationName, deploymentOperations, name, page } from "./deployment-operations.ts";
import { type EventOperationName, eventOperations } from "./event-operations.ts";
import type { Answer, Operation, Parameter } from "./operation.ts";

/** The operations under `/api/v1`. */
export type OperationName =
  | "listServers"
  | "createServer"
  | "getServer"
  | "putServer"
  | "deleteServer"
  | "restartServer"
  | "setBreaker"
  | "deployServer"
  | "rollbackServer"
  | "listServerDeployments"
  | "listRevisions"
  | "diffRevisions"
  | "listReplicas"
  | "listTools"
  | "callTool"
  | "readLogs"
  | DeploymentOperationName
  | EventOperationName
  | "getHealth"
  | "listApiKeys"
  | "createApiKey"
  | "getApiKey"
  | "deleteApiKey"
  | "getOpenApi";

/** What probes and scrapers ask of the listener itself. */
export type ProbeName = "alive" | "ready" | "metrics";

/** Media type of a stream of server-sent events. */
export const eventStreamType = "text/event-stream";

const tool: Parameter = { name: "tool", in: "path", type: "string", summary: "The server's own name of the tool." };

const labels: Parameter = {
  name: "labels",
  in: "query",
  type: "string",
  summary: "Only resources that carry all of these labels.",
  example: "team=forecast,tier=1",
};

const ifMatch: Parameter = {
  name: "If-Match",
  in: "header",
  type: "string",
  summary:
    "The ETag that was read: the change is made only if nobody made another since; else 412 with the resource as it is.",
  example: '"42"',
};

const dryRun: Parameter = {
  name: "dryRun",
  in: "query",
  type: "boolean",
  summary: "Check and answer as if, change nothing.",
};

const etag = { ETag: 'The revision of the spec in quotes: `"42"`.' };

const server: Answer = { status: 200, summary: "The Server.", schema: serverSchema, headers: etag };

const started = {
  ...etag,
  "Mcp-Manager-Deployment": "Name of the Deployment that this began; absent when nothing has to run otherwise.",
};

/** Every operation, by name. Keys for path, query and header are the ones of `parameters`. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  listServers: {
    method: "GET",
    path: "/api/v1/servers",
    summary: "List the servers, by name.",
    parameters: [...page, labels],
    answers: [{ status: 200, summary: "A page of Servers.", schema: serverListSchema }],
    permission: "servers:read",
    errors: [],
    cli: "server list",
  },
  createServer: {
    method: "POST",
    path: "/api/v1/servers",
    summary: "Register a server. One that runs a command needs the role admin.",
    parameters: [dryRun],
    body: serverInputSchema,
    answers: [{ ...server, status: 201, summary: "The new Server.", headers: started }],
    permission: "servers:write",
    errors: ["already_exists"],
  },
  getServer: {
    method: "GET",
    path: "/api/v1/servers/{name}",
    summary: "Read a server: what is wanted and what is.",
    parameters: [name],
    answers: [server],
    permission: "servers:read",
    errors: ["not_found"],
    cli: "server get",
  },
  putServer: {
    method: "PUT",
    path: "/api/v1/servers/{name}",
    summary: "Register or change a server. One that runs a command needs the role admin.",
    parameters: [name, dryRun, ifMatch],
    body: serverInputSchema,
    answers: [
      { ...server, summary: "The Server, changed or as it was.", headers: started },
      { ...server, status: 201, summary: "The new Server.", headers: started },
    ],
    permission: "servers:write",
    errors: ["conflict", "failed_precondition"],
    cli: "server apply",
    rpc: { method: "DeployServer", answer: "server" },
  },
  deleteServer: {
    method: "DELETE",
    path: "/api/v1/servers/{name}",
    summary: "Take a server out: it gets no new calls, those in flight finish, then it is gone.",
    parameters: [
      name,
      { name: "force", in: "query", type: "boolean", summary: "Do not wait for calls in flight." },
      ifMatch,
    ],
    answers: [{ ...server, status: 202, summary: "The Server, draining." }],
    permission: "servers:write",
    errors: ["not_found", "conflict"],
    cli: "server delete",
  },
  restartServer: {
    method: "POST",
    path: "/api/v1/servers/{name}/restart",
    summary: "Restart its replicas, one after the other, or one of them.",
    parameters: [name],
    body: restartRequestSchema,
    bodyOptional: true,
    answers: [{ ...server, status: 202, summary: "The Server; its replicas show the progress." }],
    permission: "servers:write",
    errors: ["not_found", "failed_precondition"],
    cli: "server restart",
  },
  setBreaker: {
    method: "POST",
    path: "/api/v1/servers/{name}/breaker",
    summary: "Hold a server's breaker open or closed, whatever happens, or leave it to itself again (`auto`).",
    parameters: [name],
    body: breakerRequestSchema,
    answers: [{ ...server, summary: "The Server; the decision is in force on this instance." }],
    permission: "servers:write",
    errors: ["not_found", "failed_precondition"],
    cli: "server breaker",
  },
  deployServer: {
    method: "POST",
    path: "/api/v1/servers/{name}/deploy",
    summary: "Deploy another source, or deploy by another strategy. A source that is a command needs the role admin.",
    parameters: [name],
    body: deployRequestSchema,
    bodyOptional: true,
    answers: [{ ...deployment, status: 202, summary: "The Deployment; the newest when all that is asked for is so." }],
    permission: "servers:write",
    errors: ["not_found", "conflict", "failed_precondition"],
    cli: "server deploy",
    rpc: { method: "CreateDeployment" },
  },
  rollbackServer: {
    method: "POST",
    path: "/api/v1/servers/{name}/rollback",
    summary: "Go back to an earlier revision, at once. The spec is made to say what that revision says.",
    parameters: [name],
    body: rollbackRequestSchema,
    bodyOptional: true,
    answers: [{ ...deployment, status: 202 }],
    permission: "servers:write",
    errors: ["not_found", "conflict", "failed_precondition"],
    cli: "server rollback",
  },
  listServerDeployments: {
    method: "GET",
    path: "/api/v1/servers/{name}/deployments",
    summary: "List a server's deployments, newest first.",
    parameters: [name, ...page],
    answers: [{ status: 200, summary: "A page of Deployments.", schema: deploymentListSchema }],
    permission: "servers:read",
    errors: ["not_found"],
  },
  listRevisions: {
    method: "GET",
    path: "/api/v1/servers/{name}/revisions",
    summary: "List a server's revisions, newest first.",
    parameters: [name, ...page],
    answers: [{ status: 200, summary: "A page of Revisions.", schema: listSchema(revisionSchema) }],
    permission: "servers:read",
    errors: ["not_found"],
    cli: "server revisions",
  },
  diffRevisions: {
    method: "GET",
    path: "/api/v1/servers/{name}/diff",
    summary: "Compare two revisions: what runs, and what clients see of it.",
    parameters: [
      name,
      { name: "from", in: "query", type: "string", summary: "Name of a revision. Default: the stable one." },
      { name: "to", in: "query", type: "string", summary: "Name of a revision. Default: the newest." },
    ],
    answers: [{ status: 200, summary: "The difference.", schema: revisionDiffSchema }],
    permission: "servers:read",
    errors: ["not_found"],
    cli: "server diff",
  },
  listReplicas: {
    method: "GET",
    path: "/api/v1/servers/{name}/replicas",
    summary: "List a server's replicas, newest first.",
    parameters: [name, ...page],
    answers: [{ status: 200, summary: "A page of Replicas.", schema: listSchema(replicaSchema) }],
    permission: "servers:read",
    errors: ["not_found"],
    cli: "server replicas",
  },
  listTools: {
    method: "GET",
    path: "/api/v1/servers/{name}/tools",
    summary: "List a server's tools as it describes them.",
    parameters: [name],
    answers: [{ status: 200, summary: "All tools.", schema: listSchema(toolSchema) }],
    permission: "tools:list",
    errors: ["not_found", "protocol_error", "circuit_open", "deadline_exceeded"],
    cli: "tool list",
  },
  callTool: {
    method: "POST",
    path: "/api/v1/servers/{name}/tools/{tool}/call",
    summary: "Call a tool and answer with its MCP result as it came, also when that says isError.",
    parameters: [name, tool],
    body: toolCallSchema,
    bodyOptional: true,
    answers: [{ status: 200, summary: "The MCP tool result.", schema: toolResultSchema }],
    permission: "tools:call",
    errors: ["not_found", "resource_exhausted", "protocol_error", "circuit_open", "deadline_exceeded"],
    cli: "tool call",
    rpc: { method: "ExecuteTool", fields: { name: "server" } },
  },
  readLogs: {
    method: "GET",
    path: "/api/v1/servers/{name}/logs",
    summary: "Read what its replicas wrote to stderr: the last lines, and then what follows.",
    parameters: [
      name,
      {
        name: "tail",
        in: "query",
        type: "integer",
        min: 0,
        max: 10_000,
        summary: "Lines from before now. Default 100.",
      },
      { name: "follow", in: "query", type: "boolean", summary: "Stay, and send lines as they are written." },
      { name: "replica", in: "query", type: "string", summary: "Only this replica's lines." },
    ],
    answers: [{ status: 200, summary: "Lines, or an event each.", types: ["text/plain", eventStreamType] }],
    permission: "logs:read",
    errors: ["not_found"],
    cli: "server logs",
  },
  ...deploymentOperations,
  ...eventOperations,
  getHealth: {
    method: "GET",
    path: "/api/v1/health",
    summary: "How the manager and its servers are.",
    parameters: [],
    answers: [{ status: 200, summary: "The summary, also when not all is well.", schema: healthSchema }],
    permission: "servers:read",
    errors: [],
    cli: "status",
  },
  listApiKeys: {
    method: "GET",
    path: "/api/v1/api-keys",
    summary: "List the API keys, without the keys themselves.",
    parameters: [...page, labels],
    answers: [{ status: 200, summary: "A page of ApiKeys.", schema: listSchema(apiKeySchema) }],
    permission: "api-keys:read",
    errors: [],
    cli: "api-key list",
  },
  createApiKey: {
    method: "POST",
    path: "/api/v1/api-keys",
    summary: "Make an API key. The answer holds it in `key`, this once.",
    parameters: [],
    body: apiKeyInputSchema,
    answers: [{ status: 201, summary: "The new ApiKey with its key.", schema: createdApiKeySchema }],
    permission: "api-keys:write",
    errors: ["already_exists"],
    cli: "api-key create",
  },
  getApiKey: {
    method: "GET",
    path: "/api/v1/api-keys/{name}",
    summary: "Read an API key, without the key itself.",
    parameters: [name],
    answers: [{ status: 200, summary: "The ApiKey.", schema: apiKeySchema, headers: etag }],
    permission: "api-keys:read",
    errors: ["not_found"],
    cli: "api-key get",
  },
  deleteApiKey: {
    method: "DELETE",
    path: "/api/v1/api-keys/{name}",
    summary: "Revoke an API key: it is refused from now on.",
    parameters: [name],
    answers: [{ status: 200, summary: "The ApiKey as it was.", schema: apiKeySchema }],
    permission: "api-keys:write",
    errors: ["not_found"],
    cli: "api-key delete",
  },
  getOpenApi: {
    method: "GET",
    path: "/api/v1/openapi.json",
    summary: "This description, OpenAPI 3.1.",
    parameters: [],
    answers: [{ status: 200, summary: "The document.", schema: toolResultSchema }],
    permission: "tools:list",
    errors: [],
  },
};

/** What the listener answers outside `/api/v1`, for the document. */
export const probes: Readonly<Record<ProbeName, Operation>> = {
  alive: {
    method: "GET",
    path: "/health",
    summary: "Whether the process is alive.",
    parameters: [],
    answers: [{ status: 200, summary: "It is.", schema: toolResultSchema }],
    errors: [],
  },
  ready: {
    method: "GET",
    path: "/ready",
    summary: "Whether it may take traffic: the store is open and configured servers were admitted.",
    parameters: [],
    answers: [{ status: 200, summary: "It may.", schema: toolResultSchema }],
    errors: ["unavailable"],
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Metrics in the Prometheus text format.",
    parameters: [],
    answers: [{ status: 200, summary: "The samples.", types: ["text/plain"] }],
    permission: "metrics:read",
    errors: [],
  },
};
