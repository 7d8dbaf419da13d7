/** What the transports' tests send and how they hear what comes back. No part of the program. */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import type { ManagerError } from "@mcp-manager/api";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import type { Connection, ConnectionEvents, Exchange, OutboundRequest, ReplySink } from "../connection.ts";

/** A request's text as the gateway hands it on; `edits` are [what stands there, what shall stand there]. */
export function outbound(text: string, edits: readonly (readonly [string, string])[] = []): OutboundRequest {
  const bytes = Buffer.from(text);
  const scan = scanEnvelope(bytes);
  assert.ok(scan.ok, `a request: ${text.slice(0, 200)}`);
  const { envelope } = scan;
  return {
    bytes,
    edits: edits.map(([from, to]) => {
      const at = bytes.indexOf(from);
      return { start: at, end: at + Buffer.byteLength(from), bytes: Buffer.from(to) };
    }),
    idStart: envelope.start("id"),
    idEnd: envelope.end("id"),
    progressTokenStart: envelope.start("progressToken"),
    progressTokenEnd: envelope.end("progressToken"),
    method: envelope.method,
    name: envelope.text("name"),
    paramHeaders: [],
  };
}

export interface CallOptions {
  /** The id as written; default `1`. */
  readonly id?: string;
  /** The progress token as written. */
  readonly token?: string;
  /** The value of `arguments`, as written; default `{}`. */
  readonly args?: string;
}

/** The text of a `tools/call`. */
export function toolCall(name: string, { id = "1", token, args = "{}" }: CallOptions = {}): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${callParams(name, { args, ...(token === undefined ? {} : { token }) })}}`;
}

/** The text of its parameters alone. */
export function callParams(name: string, { token, args = "{}" }: CallOptions = {}): string {
  const meta = token === undefined ? "" : `"_meta":{"progressToken":${token}},`;
  return `{${meta}"name":"${name}","arguments":${args}}`;
}

/** Hears one call, and fails the test that breaks the rules of a sink. */
export class RecordingSink implements ReplySink {
  readonly notifications: string[] = [];
  readonly chunks: Buffer[] = [];
  failure: ManagerError | undefined;
  /** Whether the server may have seen what failed. */
  wasWritten: boolean | undefined;
  /** What was heard after the end. */
  readonly afterEnd: string[] = [];
  /** What `onResponse` answers. */
  goesOn = true;
  /** Called for each chunk of the response. */
  onChunk: (() => void) | undefined;
  readonly ended: Promise<void>;
  #isOver = false;
  #resolve: () => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  onNotification(message: Buffer, method: string): void {
    if (this.#isOver) this.afterEnd.push(method);
    this.notifications.push(message.toString());
  }

  onResponse(chunk: Buffer, last: boolean): boolean {
    if (this.#isOver) this.afterEnd.push("response");
    this.chunks.push(chunk);
    if (last) this.#end();
    this.onChunk?.();
    return this.goesOn;
  }

  onFailure(error: ManagerError, written: boolean): void {
    if (this.#isOver) this.afterEnd.push("failure");
    this.failure = error;
    this.wasWritten = written;
    this.#end();
  }

  /** The response; fails when there was none. */
  async response(): Promise<string> {
    await this.ended;
    assert.equal(this.failure, undefined);
    assert.deepEqual(this.afterEnd, []);
    return this.text;
  }

  /** The failure; fails when there was none. */
  async failed(): Promise<ManagerError> {
    await this.ended;
    assert.ok(this.failure, `a failure, not ${this.text.slice(0, 200)}`);
    assert.deepEqual(this.afterEnd, []);
    return this.failure;
  }

  #end(): void {
    this.#isOver = true;
    this.#resolve();
  }
}

/** Hears one call whose client can be asked something, and answers each question by `answer`. */
export class AskedSink extends RecordingSink {
  readonly questions: string[] = [];
  readonly #answer: (question: Envelope, sink: AskedSink) => void;

  constructor(answer: (question: Envelope, sink: AskedSink) => void = () => {}) {
    super();
    this.#answer = answer;
  }

  onRequest(question: Envelope): void {
    if (this.isOver) this.afterEnd.push(question.method);
    this.questions.push(question.bytes.toString());
    this.#answer(question, this);
  }
}

/** A call under way. */
export interface Started<Sink extends RecordingSink = RecordingSink> {
  readonly sink: Sink;
  readonly exchange: Exchange;
}

/** Sends a `tools/call` to the stand-in. */
export function start(connection: Connection, name: string, options?: CallOptions): Started {
  return startWith(new RecordingSink(), connection, name, options);
}

/** The same for a listener of one's own. */
export function startWith<Sink extends RecordingSink>(
  sink: Sink,
  connection: Connection,
  name: string,
  options?: CallOptions,
): Started<Sink> {
  return { sink, exchange: connection.send(outbound(toolCall(name, options)), sink) };
}

/** Opens a subscription at the stand-in; `id` as written. */
export function listen(connection: Connection, id: string): Started {
  const text = `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{"notifications":{}}}`;
  const sink = new RecordingSink();
  return { sink, exchange: connection.send(outbound(text), sink) };
}

/** Sends one and waits for its response. */
export function callTool(connection: Connection, name: string, options?: CallOptions): Promise<string> {
  return start(connection, name, options).sink.response();
}

/** What a connection tells beside its calls. */
export class RecordingEvents implements ConnectionEvents {
  readonly notifications: string[] = [];
  readonly noise: string[] = [];
  readonly unhealthy: ManagerError[] = [];
  readonly dropped: string[] = [];

  onNotification(_message: Buffer, method: string): void {
    this.notifications.push(method);
  }

  onNoise(line: string): void {
    this.noise.push(line);
  }

  onUnhealthy(reason: ManagerError): void {
    this.unhealthy.push(reason);
  }

  onDropped(what: string): void {
    this.dropped.push(what);
  }
}

/** Waits until `reached` holds; fails after ten seconds. */
export async function until(what: string, reached: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (reached()) return;
    await setTimeout(2);
  }
  assert.fail(`never came: ${what}`);
}
