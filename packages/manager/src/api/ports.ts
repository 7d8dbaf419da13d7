/**
 * What the operations need of other rooms that this one may not import: each a small interface, handed in by the composition
 * root. Nothing here is implemented in this room.
 */
import type {
  ApiKey,
  ApiKeyDraft,
  CreatedApiKey,
  Health,
  LiveServer,
  OverloadStage,
  Permission,
  Principal,
  RecentEvent,
  ReplicaLoad,
  SchemaDiff,
} from "@mcp-manager/api";
import type { CatalogueRecord } from "../registry/kinds.ts";

/** What clients see otherwise of the one than of the other; the texts are canonical JSON. */
export type CompareCatalogues = (from: CatalogueRecord, to: CatalogueRecord) => SchemaDiff;

/** Whether a principal may do something. */
export interface Authorizer {
  allows(principal: Principal, permission: Permission): boolean;
}

/** The data plane's side: a server's tools, and a call of one. Both throw ManagerError. */
export interface Tools {
  /** Every tool that the principal may see, as its server describes it. */
  list(server: string, principal: Principal): Promise<readonly unknown[]>;
  /** The bytes of the MCP result as the server wrote them. `arguments_` may hold `JSON.rawJSON` values; `signal` takes the call back. */
  call(
    server: string,
    tool: string,
    arguments_: Readonly<Record<string, unknown>>,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<Buffer>;
}

/** One line that a replica wrote to stderr, redacted. */
export interface LogLine {
  readonly replica: string;
  /** RFC 3339. */
  readonly at: string;
  /** Without the line's end. */
  readonly text: string;
}

/** Which log lines are wanted. */
export interface LogQuery {
  readonly server: string;
  /** Only this replica's lines. */
  readonly replica?: string;
  /** Lines from before now, at most. */
  readonly tail: number;
  /** Whether to go on with new lines until `signal` aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** What replicas wrote to stderr. */
export interface ReplicaLogs {
  /** Oldest first. Bounded: a reader that is too slow misses lines and is told so in a line. Ends when `signal` aborts. */
  read(query: LogQuery): AsyncIterable<LogLine>;
}

/** What only the process itself knows of its health. */
export interface ProcessHealth {
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  store(): Health["store"];
  /** Undefined where nobody watches. */
  overload(): OverloadStage | undefined;
}

/** What this instance knows of what runs on it, at this moment. */
export interface LiveState {
  /** Undefined for a server that it has nothing to do with. */
  server(name: string): LiveServer | undefined;
  replica(server: string, replica: string): ReplicaLoad | undefined;
  /** What happened to a server last, newest first, at most `count`. */
  events(server: string, count: number): readonly RecentEvent[];
}

/** API keys: the resources, and the secrets that belong to them. All throw ManagerError. */
export interface ApiKeys {
  list(): Promise<readonly ApiKey[]>;
  get(name: string): Promise<ApiKey | undefined>;
  /** `already_exists` when the name is taken. */
  create(draft: ApiKeyDraft): Promise<CreatedApiKey>;
  /** Revokes it, at once; undefined when unknown. */
  delete(name: string): Promise<ApiKey | undefined>;
}

/** What the probes and the scraper see. */
export interface ProbeSource {
  /** Undefined when traffic may come; otherwise why not, in words. */
  notReady(): string | undefined;
  /** All metrics in the Prometheus text format. */
  metrics(): string | Promise<string>;
}
