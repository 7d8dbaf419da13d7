/**
 * A server that remembers: what one session, or one process, was told and did. Of either era, without an SDK between it and the wire.
 * Its tools:
 *
 *   put     puts the argument `item` into the cart, and answers with the whole cart
 *   grow    adds the argument `item` to the list of tools
 *   ask     asks its caller for an item, and puts it into the cart
 *   link    sends its caller elsewhere (elicitation in URL mode) and, once it has agreed, tells that this is complete
 *   touch   tells those who subscribed that the cart has changed
 *   log     logs the argument `item`
 *   later   as a task, whose id is the argument `item`
 *   told    what it was told of its client, and the log level
 */

export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly uri?: string;
    readonly level?: string;
    readonly task?: object;
    readonly taskId?: string;
    readonly capabilities?: object;
    readonly arguments?: { readonly item?: string };
  };
  readonly result?: { readonly content?: { readonly item?: string } };
}

/** Where a message goes. */
export type Send = (message: object) => void;

export const cartUri = "cart://1";
const serverInfo = { name: "keeper", version: "1" };
const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
const capabilities = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {}, tasks };
const ownTools = ["put", "grow", "ask", "link", "touch", "log", "later", "told"];

/** What one session or process remembers. */
export class Keeper {
  readonly #isModern: boolean;
  /** Takes what belongs to no call. */
  readonly #tell: Send;
  readonly #cart: string[] = [];
  readonly #grown: string[] = [];
  readonly #subscribed = new Set<string>();
  readonly #questions = new Map<unknown, (item: string) => void>();
  /** By their ids, what became of tasks. */
  readonly #tasks = new Map<string, string>();
  #told: object = {};
  #level = "";
  #lastQuestion = 0;

  constructor(era: "legacy" | "modern", tell: Send) {
    this.#isModern = era === "modern";
    this.#tell = tell;
  }

  /** `send` takes what belongs to this message. */
  receive({ id, method, params, result }: Message, send: Send): void {
    if (method === undefined) return this.#questions.get(id)?.(result?.content?.item ?? "");
    if (id === undefined) return;
    const answer = (members: object): void =>
      send({ jsonrpc: "2.0", id, result: this.#isModern ? { resultType: "complete", ...members } : members });
    if (method === "tools/call") return this.#call(params ?? {}, answer, send);
    const members = this.#answer(method, params ?? {});
    if (members !== undefined) answer(members);
    else send({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } });
  }

  #answer(method: string, params: NonNullable<Message["params"]>): object | undefined {
    const hints = this.#isModern ? { ttlMs: 0, cacheScope: "private" } : {};
    switch (method) {
      case "initialize":
        if (this.#isModern) return undefined;
        this.#told = params.capabilities ?? {};
        return { protocolVersion: "2025-11-25", capabilities, serverInfo };
      case "server/discover":
        return this.#isModern ? { supportedVersions: ["2026-07-28"], capabilities, ...hints } : undefined;
      case "tools/list":
        return {
          tools: [...ownTools, ...this.#grown].map((name) => ({ name, inputSchema: { type: "object" } })),
          ...hints,
        };
      case "resources/list":
        return { resources: [{ name: "cart", uri: cartUri }], ...hints };
      case "resources/templates/list":
        return { resourceTemplates: [], ...hints };
      case "resources/subscribe":
        this.#subscribed.add(params.uri ?? "");
        return {};
      case "resources/unsubscribe":
        this.#subscribed.delete(params.uri ?? "");
        return {};
      case "tasks/list":
        return { tasks: [...this.#tasks.keys()].map((taskId) => this.#task(taskId)) };
      case "tasks/cancel":
        if (this.#tasks.has(params.taskId ?? "")) this.#tasks.set(params.taskId ?? "", "cancelled");
        return this.#task(params.taskId ?? "");
      case "tasks/get":
        return this.#task(params.taskId ?? "");
      case "logging/setLevel":
        this.#level = params.level ?? "";
        return {};
      default:
        return undefined;
    }
  }

  /** Undefined when there is none of this id. */
  #task(taskId: string): object | undefined {
    const status = this.#tasks.get(taskId);
    const at = new Date(0).toISOString();
    return status === undefined ? undefined : { taskId, status, ttl: 60_000, createdAt: at, lastUpdatedAt: at };
  }

  #call({ name, arguments: args, task }: NonNullable<Message["params"]>, answer: Send, send: Send): void {
    const item = args?.item ?? "";
    if (name === "later" && task !== undefined) {
      this.#tasks.set(item, "working");
      return answer({ task: this.#task(item) });
    }
    const said = (value: unknown): void => answer({ content: [{ type: "text", text: JSON.stringify(value) }] });
    switch (name) {
      case "put":
        return said(this.#put(item));
      case "grow":
        this.#grown.push(item);
        return said(this.#grown);
      case "ask":
        return this.#ask({ message: "What?", requestedSchema: { type: "object" } }, send, (given) =>
          said(this.#put(given)),
        );
      case "link":
        return this.#ask({ mode: "url", elicitationId: item, url: "https://x.test", message: "There" }, send, () => {
          send(notification("notifications/elicitation/complete", { elicitationId: item }));
          said("done");
        });
      case "touch":
        if (this.#subscribed.has(cartUri))
          this.#tell(notification("notifications/resources/updated", { uri: cartUri }));
        return said("done");
      case "log":
        send(notification("notifications/message", { level: "info", data: item }));
        return said("done");
      default:
        return said({ capabilities: this.#told, level: this.#level });
    }
  }

  #put(item: string): readonly string[] {
    this.#cart.push(item);
    return this.#cart;
  }

  #ask(params: object, send: Send, onAnswer: (item: string) => void): void {
    const id = ++this.#lastQuestion;
    this.#questions.set(id, onAnswer);
    send({ jsonrpc: "2.0", id, method: "elicitation/create", params });
  }
}

function notification(method: string, params: object): object {
  return { jsonrpc: "2.0", method, params };
}
