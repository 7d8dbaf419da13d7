/**
 * What the operations need of other rooms that this one may not import: each a small interface, handed in by the composition
 * root. Nothing here is implemented in this room.
 */
import type {
  ApiKey,
  ApiKeyDraft,
  ConfigHealth,
  CreatedApiKey,
  DeadLetter,
  Health,
  LiveServer,
  ManagerError,
  OverloadStage,
  Permission,
  Principal,
  RecentEvent,
  ReplicaLoad,
  SchemaDiff,
  ServerDraft,
  Webhook,
  WebhookDraft,
} from "@mcp-manager/api";
import type { FileReading } from "./file-reading.ts";
import type { CatalogueRecord } from "../registry/kinds.ts";

/** What clients see otherwise of the one than of the other; the texts are canonical JSON. */
export type CompareCatalogues = (from: CatalogueRecord, to: CatalogueRecord) => SchemaDiff;

/** Whether a principal may do something. */
export interface Authorizer {
  allows(principal: Principal, permission: Permission): boolean;
}

/** The data plane's side: a server's tools, and a call of one. Both throw ManagerError. */
export interface Tools {
  /** Every tool that the principal may see, as its server describes it. `not_found` for a server that is not there. */
  list(server: string, principal: Principal): Promise<readonly unknown[]>;
  /** The bytes of the MCP result as the server wrote them. `arguments_` may hold `JSON.rawJSON` values; `signal` takes the call back. `not_found`. */
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
  /** Undefined where there is no configuration file. */
  config(): ConfigHealth | undefined;
}

/** What this instance knows of what runs on it, at this moment. */
export interface LiveState {
  /** Undefined for a server that it has nothing to do with. */
  server(name: string): LiveServer | undefined;
  replica(server: string, replica: string): ReplicaLoad | undefined;
  /** What happened to a server last, newest first, at most `count`. */
  events(server: string, count: number): readonly RecentEvent[];
}

/** Texts that could stand in the configuration file of this run. */
export interface ConfigText {
  /** Absolute path of the file; undefined where there is none. */
  readonly file: string | undefined;
  /**
   * What such a text would say. Rejects with `invalid_argument`, with places, when it is wrong; with `resource_exhausted` when too many
   * ask at once.
   */
  parse(text: string, filename: string, signal: AbortSignal): Promise<FileReading>;
}

/** Resolves when calls to a server go by what is stored of it now; on an instance that cannot follow the store, after a second. */
export type Routed = (server: string) => Promise<void>;

/** API keys: the resources, and the secrets that belong to them. All throw ManagerError. */
export interface ApiKeys {
  list(): Promise<readonly ApiKey[]>;
  get(name: string): Promise<ApiKey | undefined>;
  /** `already_exists` when the name is taken. */
  create(draft: ApiKeyDraft): Promise<CreatedApiKey>;
  /** Revokes it, at once; undefined when unknown. */
  delete(name: string): Promise<ApiKey | undefined>;
}

/** One server of a client's file: checked, or what is wrong with it. */
export type ImportableServer =
  | { readonly kind: "read"; readonly name: string; readonly draft: ServerDraft; readonly notes: readonly string[] }
  | { readonly kind: "wrong"; readonly name: string; readonly error: ManagerError };

/** Reads a client's configuration. Throws `invalid_argument` when it is none; its notes and errors hold no secret. */
export type ReadImport = (
  text: string,
  filename: string,
) => { readonly servers: readonly ImportableServer[]; readonly notes: readonly string[] };
/** Webhooks: the resources as they fare at this moment, and the judgement of their addresses. All throw ManagerError. */
export interface Webhooks {
  /** In the order of their names. */
  list(): Promise<readonly Webhook[]>;
  get(name: string): Promise<Webhook | undefined>;
  /** `already_exists`; `invalid_argument` for an address to which nothing may be sent. */
  create(draft: WebhookDraft): Promise<Webhook>;
  /** `conflict` when it is not at the revision that was read. */
  put(
    draft: WebhookDraft,
    ifRevision: string | undefined,
  ): Promise<{ readonly webhook: Webhook; readonly isNew: boolean }>;
  /** Undefined when unknown. */
  delete(name: string, ifRevision: string | undefined): Promise<Webhook | undefined>;
}

/** What could not be delivered. All throw ManagerError. */
export interface DeadLetters {
  /** All, or those of one webhook; newest first. */
  names(webhook?: string): readonly string[];
  get(name: string): Promise<DeadLetter | undefined>;
  delete(name: string): Promise<DeadLetter | undefined>;
  /** Their number. */
  purge(webhook?: string): Promise<number>;
}

/** Tries once more what could not be delivered. */
export interface Replays {
  /** The dead letter as it was, when it was delivered; undefined when unknown. Rejects with the reason when it failed again. */
  one(name: string): Promise<DeadLetter | undefined>;
  /** Begins with all, or those of one webhook: their number. */
  all(webhook?: string): number;
}

/** What the probes and the scraper see. */
export interface ProbeSource {
  /** Undefined when traffic may come; otherwise why not, in words. */
  notReady(): string | undefined;
  /** All metrics in the Prometheus text format. */
  metrics(): string | Promise<string>;
}
