/**
 * A stand-in MCP server for tests, on any transport: what it does with a call is said by the call's tool name. Messages are
 * taken apart as text, so that what it echoes are the bytes it got. Everything it sees goes to a journal. No part of the program.
 */

/** Where the answers to one message go. */
export interface Wire {
  send(message: string): void;
  /** Whether notifications may come before the response. */
  readonly streams: boolean;
}

/** A call as it came: the id, the progress token and the parameters as written. */
export interface PeerCall {
  readonly id: string;
  readonly name: string;
  readonly params: string;
  readonly token: string | undefined;
  readonly args: Readonly<Record<string, unknown>>;
  readonly wire: Wire;
  /** Sent before the answer of a held call. */
  readonly before?: string;
}

export interface PeerOptions {
  /** `era`: what it is; a legacy server answers `server/discover` with -32601. */
  readonly era: "legacy" | "modern";
  journal(line: string): void;
  /** Behaviours of one transport, tried first; true when it took the call. */
  special?(call: PeerCall): boolean;
}

const initialized =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"stand-in","version":"1"}}';
const discovered =
  '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private",' +
  '"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"stand-in","version":"1"}}}';

export class Peer {
  readonly #options: PeerOptions;
  /** Calls that wait for `release`, and calls that wait for answers of the client. */
  #held: PeerCall[] = [];
  readonly #asked = new Map<string, { call: PeerCall; answers: string[] }>();
  #shuffled: PeerCall[] = [];
  readonly #listening: PeerCall[] = [];

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  /** Takes one message. */
  receive(text: string, wire: Wire): void {
    const id = /^\{"jsonrpc":"2\.0","id":(.*?),"(method|result|error)":/s.exec(text);
    const { method, params } = JSON.parse(text) as { method?: string; params?: Record<string, unknown> };
    if (method === undefined) return this.#answered(text, id?.[1] ?? "");
    if (id?.[1] === undefined) return this.#notified(method, params);
    this.#options.journal(`request ${method}`);
    if (method === "tools/call") return this.#call(callOf(text, id[1], params ?? {}, wire));
    if (method === "subscriptions/listen" && this.#options.era === "modern") return this.#listen(id[1], wire);
    const { era } = this.#options;
    if (method === "initialize" && era === "legacy") return wire.send(result(id[1], initialized));
    if (method === "server/discover" && era === "modern") return wire.send(result(id[1], discovered));
    wire.send(failure(id[1], -32601, `no ${method} here`));
  }

  /** Answers every held call. */
  release(): void {
    for (const { id, wire, before } of this.#held.splice(0)) {
      if (before !== undefined) wire.send(before);
      wire.send(result(id, '{"late":true}'));
    }
  }

  /** The stream of the call was closed before its answer. */
  streamClosed(wire: Wire): void {
    for (const call of this.#held) if (call.wire === wire) this.#options.journal(`cancelled ${call.name}`);
    this.#held = this.#held.filter((call) => call.wire !== wire);
  }

  #notified(method: string, params: Readonly<Record<string, unknown>> | undefined): void {
    this.#options.journal(`notified ${method}`);
    if (method !== "notifications/cancelled") return;
    const call = this.#held.find((held) => held.id === JSON.stringify(params?.["requestId"]));
    this.#options.journal(`cancelled ${call?.name ?? "nothing"}`);
  }

  /** Acknowledges, and holds it until it is told to end, or cancelled. */
  #listen(id: string, wire: Wire): void {
    const held = callOf('{"params":{}}', id, { name: "listen" }, wire);
    this.#listening.push(held);
    this.#held.push(held);
    wire.send(notification("notifications/subscriptions/acknowledged", `{${metaOf(id)},"notifications":{}}`));
  }

  #call(call: PeerCall): void {
    this.#options.journal(`call ${call.name}`);
    if (this.#options.special?.(call)) return;
    const act = this.#behaviours[call.name];
    if (act === undefined) call.wire.send(failure(call.id, -32602, `no tool ${call.name}`));
    else act(call);
  }

  readonly #behaviours: Readonly<Record<string, (call: PeerCall) => void>> = {
    /** The parameters as they came. */
    echo: (call) => call.wire.send(result(call.id, `{"params":${call.params}}`)),
    /** The same in the other usual order of members. */
    tail: (call) => call.wire.send(`{"result":{"params":${call.params}},"jsonrpc":"2.0","id":${call.id}}`),
    error: (call) => call.wire.send(failure(call.id, -32602, "refused")),
    /** Nothing until `release`. */
    hold: (call) => void this.#held.push(call),
    /** `count` progress notifications, then the parameters. */
    progress(call) {
      for (let i = 1; i <= Number(call.args["count"]); i++) {
        const token = call.token ?? call.id;
        call.wire.send(notification("notifications/progress", `{"progressToken":${token},"progress":${i}.0}`));
      }
      call.wire.send(result(call.id, `{"params":${call.params}}`));
    },
    log(call) {
      call.wire.send(notification("notifications/message", '{"level":"info","data":"hello"}'));
      call.wire.send(result(call.id, "{}"));
    },
    changed(call) {
      call.wire.send(notification("notifications/tools/list_changed", "{}"));
      call.wire.send(result(call.id, "{}"));
    },
    big: (call) => call.wire.send(result(call.id, `{"text":"${"x".repeat(Number(call.args["bytes"]))}"}`)),
    /** `bytes` of rows with ids, in the order of members that the official SDK writes. */
    rows(call) {
      const row = '{"id":1,"name":"a \\"id\\"","ref":{"kind":"x","id":2}},';
      const rows = row.repeat(Number(call.args["bytes"]) / row.length);
      call.wire.send(`{"result":{"rows":[${rows}null]},"jsonrpc":"2.0","id":${call.id}}`);
    },
    /** Progress and the marker; of the calls that came at about the same time the last is answered first. */
    shuffled: (call) => {
      this.#shuffled.push(call);
      if (this.#shuffled.length === 1) setImmediate(() => this.#answerShuffled());
    },
    /** Tells every subscription of a change, or that it ends, when `arguments.end` says how. */
    tell: (call) => {
      for (const { id, wire } of this.#listening) {
        const end = call.args["end"];
        if (end === undefined) wire.send(notification("notifications/tools/list_changed", `{${metaOf(id)}}`));
        if (end === "result") wire.send(result(id, `{"resultType":"complete",${metaOf(id)}}`));
        if (end === "cancelled")
          wire.send(notification("notifications/cancelled", `{"requestId":${id},${metaOf(id)}}`));
      }
      call.wire.send(result(call.id, "{}"));
    },
    /** Asks the client two things, and answers with what came back. */
    ask: (call) => {
      const asked = { call, answers: [] };
      this.#asked.set('"q1"', asked).set("2", asked);
      call.wire.send('{"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{}}');
      call.wire.send('{"jsonrpc":"2.0","id":2,"method":"ping"}');
    },
    /** Asks the client something; takes the question back, and answers, on `release`. */
    withdraw: (call) => {
      call.wire.send('{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}');
      this.#held.push({ ...call, before: notification("notifications/cancelled", '{"requestId":1,"reason":"late"}') });
    },
  };

  #answerShuffled(): void {
    const calls = this.#shuffled;
    this.#shuffled = [];
    for (const call of calls.toReversed()) {
      const marker = String(call.args["marker"]);
      if (call.wire.streams) {
        call.wire.send(
          notification("notifications/progress", `{"progressToken":${call.token},"progress":1,"message":"${marker}"}`),
        );
      }
      call.wire.send(result(call.id, `{"marker":"${marker}"}`));
    }
  }

  #answered(text: string, id: string): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return this.#options.journal(`answer to nothing ${text}`);
    this.#asked.delete(id);
    asked.answers.push(text);
    if (asked.answers.length === 2) {
      asked.call.wire.send(result(asked.call.id, `{"answers":[${asked.answers.toSorted().join(",")}]}`));
    }
  }
}

function callOf(text: string, id: string, params: Record<string, unknown>, wire: Wire): PeerCall {
  const token = /"progressToken":("(?:[^"\\]|\\.)*"|-?\d+)/.exec(text)?.[1];
  const raw = text.slice(text.indexOf('"params":') + '"params":'.length, text.lastIndexOf("}"));
  const args = (params["arguments"] ?? {}) as Record<string, unknown>;
  return { id, name: String(params["name"]), params: raw, token, args, wire };
}

function metaOf(subscriptionId: string): string {
  return `"_meta":{"io.modelcontextprotocol/subscriptionId":${subscriptionId}}`;
}

export function result(id: string, value: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${value}}`;
}

export function failure(id: string, code: number, message: string, data?: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
}

function notification(method: string, params: string): string {
  return `{"jsonrpc":"2.0","method":"${method}","params":${params}}`;
}
