/** What the package shows to its users, by name. */
export { ApiKeyCalls, Client, DeploymentCalls, ServerCalls, ToolCalls } from "./client.ts";
export type {
  ApplyOptions,
  DeleteOptions,
  DiffOptions,
  LabelledListQuery,
  ListQuery,
  LogLine,
  LogOptions,
} from "./client.ts";
export { EventCalls } from "./event-calls.ts";
export type { WatchOptions } from "./event-calls.ts";
export type { CallOptions, ClientOptions } from "./connection.ts";
export { ManagerError } from "@mcp-manager/api";
