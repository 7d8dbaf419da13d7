/**
 * A server that does as it is told, for tests: an open connection of either era that notes what was sent and answers from a
 * script. What goes out is what a real connection would write: edits applied, the id its own.
 */
import { ManagerError } from "@mcp-manager/api";
import { scanEnvelope } from "../../protocol/envelope.ts";
import type { Era } from "../../protocol/era.ts";
import { splice } from "../../protocol/splice.ts";
import type { Connection, Exchange, OutboundRequest, ReplySink, ServerFacts } from "../../transport/connection.ts";

/** A request as the server got it, and the means to answer it. */
export interface Received {
  readonly method: string;
  /** The name for `Mcp-Name`. */
  readonly name: string | undefined;
  /** The message with its edits, decoded. */
  readonly message: { readonly params?: Readonly<Record<string, unknown>> } & Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly paramHeaders: readonly string[];
  /** Why it was given up, once it was. */
  readonly cancelled: string | undefined;
  /** How often the caller asked to go on. */
  readonly resumed: number;
  /** Sends a result, as JSON or as the text of it. */
  result(result: unknown): void;
  error(code: number, message: string, data?: unknown): void;
  /** Sends a piece of a response; false when the caller asks to wait. The id is `idText`. */
  chunk(text: string, last: boolean): boolean;
  /** The caller's id as it was written. */
  readonly idText: string;
  notify(method: string, params: Readonly<Record<string, unknown>>): void;
  /** Asks the caller something, under the server's own id; what is answered comes to `ScriptedConnection.notified`. */
  ask(id: string | number, method: string, params?: Readonly<Record<string, unknown>>): void;
  /** `written` as in `ReplySink.onFailure`; default true. */
  fail(error: ManagerError, written?: boolean): void;
}

/** What is done with a request of one method. */
export type Script = Readonly<Record<string, (received: Received) => void>>;

export interface ScriptedOptions {
  readonly era?: Era;
  readonly name?: string;
  /** Default: tools, prompts, resources. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly instructions?: string;
  readonly script?: Script;
}

/**
 * Lists of which the script says nothing. Those of names are refused, so that what is there is not known and every name is passed
 * on; those of resources are empty.
 */
const emptyLists: Script = {
  "tools/list": (call) => call.error(-32603, "no list in this test"),
  "prompts/list": (call) => call.error(-32603, "no list in this test"),
  "resources/list": (call) => call.result({ resources: [] }),
  "resources/templates/list": (call) => call.result({ resourceTemplates: [] }),
};

export class ScriptedConnection implements Connection {
  readonly facts: ServerFacts;
  /** Everything that was sent, in order. */
  readonly received: Received[] = [];
  /** Notifications and answers that were sent to the server, decoded. */
  readonly notified: Readonly<Record<string, unknown>>[] = [];
  readonly closed: Promise<ManagerError>;
  closeReason: ManagerError | undefined;
  onRenewed: (() => void) | undefined;
  inFlight = 0;
  heard = 0;
  script: Script;
  readonly #resolveClosed: (error: ManagerError) => void;
  readonly #waiting = new Set<() => void>();
  readonly #open = new Set<ScriptedExchange>();

  constructor(options: ScriptedOptions = {}) {
    const { era = "legacy", name = "scripted", instructions, script = {} } = options;
    const protocolVersion = era === "modern" ? "2026-07-28" : "2025-11-25";
    const capabilities = options.capabilities ?? { tools: { listChanged: true }, prompts: {}, resources: {} };
    this.facts = { era, protocolVersion, serverInfo: { name, version: "1.0.0" }, capabilities, instructions };
    this.script = { ...emptyLists, ...script };
    const { promise, resolve } = Promise.withResolvers<ManagerError>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  /** The calls of one method so far. */
  calls(method: string): readonly Received[] {
    return this.received.filter((received) => received.method === method);
  }

  /** Resolves with the call of this method that comes (or has come) as number `count`. */
  async call(method: string, count = 1): Promise<Received> {
    for (;;) {
      const found = this.calls(method)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when `condition` holds; looked at whenever something is sent, cancelled or resumed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  send(request: OutboundRequest, sink: ReplySink): Exchange {
    const exchange = new ScriptedExchange(request, sink, () => {
      if (exchange.isOver && this.#open.delete(exchange)) this.inFlight--;
      this.#wake();
    });
    if (this.closeReason !== undefined) {
      sink.onFailure(this.closeReason, false);
      return exchange;
    }
    this.#open.add(exchange);
    this.inFlight++;
    this.received.push(exchange);
    this.#wake();
    this.script[request.method]?.(exchange);
    return exchange;
  }

  notify(message: Buffer): void {
    this.notified.push(JSON.parse(message.toString()) as Record<string, unknown>);
    this.#wake();
  }

  close(): Promise<void> {
    this.destroy(new ManagerError("unavailable", "closed"));
    return Promise.resolve();
  }

  destroy(reason: ManagerError): void {
    this.closeReason = reason;
    for (const exchange of [...this.#open]) exchange.fail(reason);
    this.#resolveClosed(reason);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

class ScriptedExchange implements Exchange, Received {
  readonly method: string;
  readonly name: string | undefined;
  readonly text: string;
  readonly message: Received["message"];
  readonly paramHeaders: readonly string[];
  readonly idText: string;
  cancelled: string | undefined;
  resumed = 0;
  isOver = false;
  readonly #request: OutboundRequest;
  readonly #sink: ReplySink;
  readonly #onChange: () => void;

  constructor(request: OutboundRequest, sink: ReplySink, onChange: () => void) {
    this.#request = request;
    this.#sink = sink;
    this.#onChange = onChange;
    this.method = request.method;
    this.name = request.name;
    this.paramHeaders = request.paramHeaders;
    const bytes = splice(request.bytes, request.edits);
    this.text = bytes.toString();
    const scan = scanEnvelope(bytes);
    if (!scan.ok) throw new Error(`the gateway sent something that is no message: ${scan.message}: ${this.text}`);
    this.message = JSON.parse(this.text) as Received["message"];
    this.idText = request.bytes.toString("utf8", request.idStart, request.idEnd);
  }

  result(result: unknown): void {
    const text = typeof result === "string" ? result : JSON.stringify(result);
    this.chunk(`{"jsonrpc":"2.0","id":${this.idText},"result":${text}}`, true);
  }

  error(code: number, message: string, data?: unknown): void {
    const error = JSON.stringify({ code, message, data });
    this.chunk(`{"jsonrpc":"2.0","id":${this.idText},"error":${error}}`, true);
  }

  chunk(text: string, last: boolean): boolean {
    if (this.isOver) return true;
    this.isOver = last;
    const taken = this.#sink.onResponse(Buffer.from(text), last);
    this.#onChange();
    return taken;
  }

  /** With the caller's own progress token, as a real connection gives it back. */
  notify(method: string, params: Readonly<Record<string, unknown>>): void {
    if (this.isOver) return;
    const { bytes, progressTokenStart, progressTokenEnd } = this.#request;
    const token = progressTokenStart < 0 ? undefined : bytes.toString("utf8", progressTokenStart, progressTokenEnd);
    const own = method === "notifications/progress" && token !== undefined ? { progressToken: JSON.parse(token) } : {};
    this.#sink.onNotification(
      Buffer.from(JSON.stringify({ jsonrpc: "2.0", method, params: { ...params, ...own } })),
      method,
    );
  }

  ask(id: string | number, method: string, params: Readonly<Record<string, unknown>> = {}): void {
    const scan = scanEnvelope(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method, params })));
    if (scan.ok && !this.isOver) this.#sink.onRequest?.(scan.envelope);
  }

  fail(error: ManagerError, written = true): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#sink.onFailure(error, written);
    this.#onChange();
  }

  cancel(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelled = reason;
    this.#onChange();
  }

  resume(): void {
    this.resumed++;
    this.#onChange();
  }
}
