/**
 * The typed client: one method for each operation of the REST door, grouped by what it is about. Every method rejects with a
 * ManagerError, whose `code` is the door's, or with the reason of an aborted signal.
 */
import type {
  ApiKey,
  ApiKeyInput,
  BreakerRequest,
  CreatedApiKey,
  DeployRequestInput,
  Deployment,
  Health,
  List,
  PromoteRequest,
  Replica,
  Revision,
  RevisionDiff,
  Server,
  ServerInput,
  Tool,
} from "@mcp-manager/api";
import { eventStreamType, ManagerError } from "@mcp-manager/api";
import { Connection, queryOf } from "./connection.ts";
import type { CallOptions, ClientOptions } from "./connection.ts";
import { EventCalls } from "./event-calls.ts";
import { readEvents } from "./events.ts";

/** A page of a list. */
export interface ListQuery extends CallOptions {
  /** Items on the page, at most 1000. Default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** A page of a list whose items carry labels. */
export interface LabelledListQuery extends ListQuery {
  /** Only resources that carry all of these. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ApplyOptions extends CallOptions {
  /** `metadata.revision` that was read: `conflict` when it moved on since. Default: whatever is there is replaced. */
  readonly ifRevision?: string;
  /** Check and answer as if, change nothing. */
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Do not wait for calls in flight. */
  readonly force?: boolean;
}

/** Which revisions are compared. */
export interface DiffOptions extends CallOptions {
  readonly from?: string;
  readonly to?: string;
}

export interface LogOptions extends CallOptions {
  /** Lines from before now. Default 100. */
  readonly tail?: number;
  /** Stay for what is still to come; ends when the signal aborts or the loop is left. */
  readonly follow?: boolean;
  readonly replica?: string;
}

/** One line that a replica wrote to stderr. */
export interface LogLine {
  readonly replica: string;
  /** RFC 3339. */
  readonly at: string;
  readonly text: string;
}

export class Client {
  readonly servers: ServerCalls;
  readonly deployments: DeploymentCalls;
  readonly tools: ToolCalls;
  readonly apiKeys: ApiKeyCalls;
  readonly events: EventCalls;
  readonly #connection: Connection;

  /** Connects to nothing yet. Throws `invalid_argument` when the URL is none. */
  constructor(options: ClientOptions) {
    this.#connection = new Connection(options);
    this.servers = new ServerCalls(this.#connection);
    this.deployments = new DeploymentCalls(this.#connection);
    this.tools = new ToolCalls(this.#connection);
    this.apiKeys = new ApiKeyCalls(this.#connection);
    this.events = new EventCalls(this.#connection);
  }

  /** How the manager and its servers are. */
  health(options: CallOptions = {}): Promise<Health> {
    return this.#connection.json({ method: "GET", path: "/api/v1/health", ...options });
  }

  /** The OpenAPI document. */
  openApi(options: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#connection.json({ method: "GET", path: "/api/v1/openapi.json", ...options });
  }
}

/** Servers and what belongs to them. */
export class ServerCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One page, by name. */
  list(query: LabelledListQuery = {}): Promise<List<Server>> {
    return listOf(this.#connection, "/api/v1/servers", query);
  }

  /** Every server, page by page. */
  all(query: LabelledListQuery = {}): AsyncGenerator<Server, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  /** `not_found` when there is none. */
  get(name: string, options: CallOptions = {}): Promise<Server> {
    return this.#connection.json({ method: "GET", path: serverPath(name), ...options });
  }

  /** Registers a server; `already_exists` when there is one of that name. */
  create(server: ServerInput, options: CallOptions = {}): Promise<Server> {
    return this.#connection.json({ method: "POST", path: "/api/v1/servers", body: server, ...options });
  }

  /** Registers or changes the server of that name. `status.deployment` of the answer names what was begun by it, or last before. */
  apply(server: ServerInput, options: ApplyOptions = {}): Promise<Server> {
    const { ifRevision, dryRun, ...rest } = options;
    const headers = ifRevision === undefined ? {} : { headers: { "if-match": `"${ifRevision}"` } };
    const path = serverPath(server.metadata.name) + queryOf({ dryRun });
    return this.#connection.json({ method: "PUT", path, body: server, ...headers, ...rest });
  }

  /** Asks for its end; the answer is the Server, draining. */
  delete(name: string, options: DeleteOptions = {}): Promise<Server> {
    const { force, ...rest } = options;
    return this.#connection.json({ method: "DELETE", path: serverPath(name) + queryOf({ force }), ...rest });
  }

  /** Restarts its replicas one after the other, or one of them. */
  restart(name: string, options: CallOptions & { readonly replica?: string } = {}): Promise<Server> {
    const { replica, ...rest } = options;
    const body = replica === undefined ? {} : { replica };
    return this.#connection.json({ method: "POST", path: `${serverPath(name)}/restart`, body, ...rest });
  }

  /** Holds its breaker open or closed, or leaves it to itself again (`auto`). */
  setBreaker(name: string, request: BreakerRequest, options: CallOptions = {}): Promise<Server> {
    return this.#connection.json({ method: "POST", path: `${serverPath(name)}/breaker`, body: request, ...options });
  }

  /** Deploys another source, or by another strategy; what is absent stays as it is. */
  deploy(name: string, request: DeployRequestInput = {}, options: CallOptions = {}): Promise<Deployment> {
    return this.#connection.json({ method: "POST", path: `${serverPath(name)}/deploy`, body: request, ...options });
  }

  /** Goes back to a revision that was stable before; by default the one before the present. */
  rollback(name: string, options: CallOptions & { readonly to?: string } = {}): Promise<Deployment> {
    const { to, ...rest } = options;
    const body = to === undefined ? {} : { to };
    return this.#connection.json({ method: "POST", path: `${serverPath(name)}/rollback`, body, ...rest });
  }

  /** Newest first. */
  deployments(name: string, query: ListQuery = {}): Promise<List<Deployment>> {
    return listOf(this.#connection, `${serverPath(name)}/deployments`, query);
  }

  /** Newest first. */
  revisions(name: string, query: ListQuery = {}): Promise<List<Revision>> {
    return listOf(this.#connection, `${serverPath(name)}/revisions`, query);
  }

  /** What two revisions differ in; by default the stable and the newest. */
  diff(name: string, options: DiffOptions = {}): Promise<RevisionDiff> {
    const { from, to, ...rest } = options;
    return this.#connection.json({ method: "GET", path: `${serverPath(name)}/diff${queryOf({ from, to })}`, ...rest });
  }

  /** Newest first. */
  replicas(name: string, query: ListQuery = {}): Promise<List<Replica>> {
    return listOf(this.#connection, `${serverPath(name)}/replicas`, query);
  }

  /** What its replicas wrote to stderr, oldest first. */
  async *logs(name: string, options: LogOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { signal, ...query } = options;
    const response = await this.#connection.send({
      method: "GET",
      path: `${serverPath(name)}/logs${queryOf({ ...query })}`,
      headers: { accept: eventStreamType },
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.body === null) return;
    for await (const event of readEvents(response.body)) {
      if (event.type === "log" && event.data !== undefined) yield JSON.parse(event.data) as LogLine;
    }
  }
}

/** Ways from one revision to another. */
export class DeploymentCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Of all servers, newest first. */
  list(query: ListQuery = {}): Promise<List<Deployment>> {
    return listOf(this.#connection, "/api/v1/deployments", query);
  }

  /** Every deployment, page by page. */
  all(query: ListQuery = {}): AsyncGenerator<Deployment, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  /** `not_found` when there is none. */
  get(name: string, options: CallOptions = {}): Promise<Deployment> {
    return this.#connection.json({ method: "GET", path: deploymentPath(name), ...options });
  }

  /** Past the present step, or to the end; `failed_precondition` when it is too late. */
  promote(name: string, options: CallOptions & PromoteRequest = {}): Promise<Deployment> {
    const { signal, ...body } = options;
    return this.#verb(name, "promote", body, signal === undefined ? {} : { signal });
  }

  /** Until it is resumed. */
  pause(name: string, options: CallOptions = {}): Promise<Deployment> {
    return this.#verb(name, "pause", {}, options);
  }

  resume(name: string, options: CallOptions = {}): Promise<Deployment> {
    return this.#verb(name, "resume", {}, options);
  }

  /** Back to the stable revision. */
  abort(name: string, options: CallOptions = {}): Promise<Deployment> {
    return this.#verb(name, "abort", {}, options);
  }

  /** The answer is the next Deployment, to the same revision. */
  retry(name: string, options: CallOptions = {}): Promise<Deployment> {
    return this.#verb(name, "retry", {}, options);
  }

  #verb(name: string, verb: string, body: PromoteRequest, options: CallOptions): Promise<Deployment> {
    return this.#connection.json({ method: "POST", path: `${deploymentPath(name)}/${verb}`, body, ...options });
  }
}

/** Tools of a server, without an MCP client. */
export class ToolCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All tools of a server. */
  async list(server: string, options: CallOptions = {}): Promise<readonly Tool[]> {
    const path = `${serverPath(server)}/tools`;
    return (await this.#connection.json<List<Tool>>({ method: "GET", path, ...options })).items;
  }

  /** The MCP tool result; one that says `isError` is an answer, not a rejection. */
  async call(
    server: string,
    tool: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.callText(server, tool, args, options);
    try {
      return JSON.parse(text) as Readonly<Record<string, unknown>>;
    } catch (error) {
      throw new ManagerError("protocol_error", `the answer of tool "${tool}" is no JSON`, { server, cause: error });
    }
  }

  /** The same as JSON text, byte for byte as the server wrote it: numbers keep their digits. */
  callText(
    server: string,
    tool: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<string> {
    const path = `${serverPath(server)}/tools/${encodeURIComponent(tool)}/call`;
    return this.#connection.text({ method: "POST", path, body: { arguments: args }, ...options });
  }
}

/** API keys. */
export class ApiKeyCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: LabelledListQuery = {}): Promise<List<ApiKey>> {
    return listOf(this.#connection, "/api/v1/api-keys", query);
  }

  /** Every key, page by page. */
  all(query: LabelledListQuery = {}): AsyncGenerator<ApiKey, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  get(name: string, options: CallOptions = {}): Promise<ApiKey> {
    return this.#connection.json({ method: "GET", path: apiKeyPath(name), ...options });
  }

  /** Makes a key; it is in `key` of the answer, this once. */
  create(key: ApiKeyInput, options: CallOptions = {}): Promise<CreatedApiKey> {
    return this.#connection.json({ method: "POST", path: "/api/v1/api-keys", body: key, ...options });
  }

  /** Revokes it, at once. */
  delete(name: string, options: CallOptions = {}): Promise<ApiKey> {
    return this.#connection.json({ method: "DELETE", path: apiKeyPath(name), ...options });
  }
}

function serverPath(name: string): string {
  return `/api/v1/servers/${encodeURIComponent(name)}`;
}

function deploymentPath(name: string): string {
  return `/api/v1/deployments/${encodeURIComponent(name)}`;
}

function apiKeyPath(name: string): string {
  return `/api/v1/api-keys/${encodeURIComponent(name)}`;
}

function listOf<Item>(connection: Connection, path: string, query: LabelledListQuery): Promise<List<Item>> {
  const { signal, labels, ...page } = query;
  const pairs = Object.entries(labels ?? {}).map(([label, value]) => `${label}=${value}`);
  const parameters = queryOf({ ...page, labels: pairs.length === 0 ? undefined : pairs.join(",") });
  return connection.json({ method: "GET", path: path + parameters, ...(signal === undefined ? {} : { signal }) });
}

async function* allOf<Item>(
  page: (query: { readonly cursor?: string }) => Promise<List<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let list = await page({});
  yield* list.items;
  while (list.nextCursor !== undefined) {
    list = await page({ cursor: list.nextCursor });
    yield* list.items;
  }
}
