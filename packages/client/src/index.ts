/** What the package shows to its users, by name. */
export { ApiKeyCalls, Client, DeploymentCalls, ServerCalls, ToolCalls } from "./client.ts";
export type { ApplyOptions, DeleteOptions, DiffOptions, LogLine, LogOptions } from "./client.ts";
export type { LabelledListQuery, ListQuery } from "./lists.ts";
export { SecretCalls } from "./secret-calls.ts";
export type { CallOptions, ClientOptions } from "./connection.ts";
export { ManagerError } from "@mcp-manager/api";
