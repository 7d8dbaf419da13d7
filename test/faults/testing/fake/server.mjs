/**
 * What a fake server answers, whichever transport carries it: both eras' openings, lists, and calls of its tools. It knows no sockets and
 * no pipes: what a fault does to those is its transport's (`wire.fault`).
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { openJournal } from "./journal.mjs";
import { processFaults } from "./process-faults.mjs";
import { Unfinished } from "./unfinished.mjs";

const toolNames = ["echo", "pid", "sleep", "fail", "refuse", "fault", "set"];

export class FakeServer {
  constructor(options) {
    this.options = options;
    this.name = options.name ?? "fake";
    this.isModern = options.era === "modern";
    this.note = openJournal(options.journal, this.name);
    /** What `set` was told: `hang`, `listChanges`, `drift`, `status` … */
    this.state = { ...options.set };
    /** Tools of a server of which there are versions; undefined for one without. */
    this.unfinished = options.version === undefined ? undefined : new Unfinished(options.version, this.isModern);
    this.calls = 0;
    /** Grows with each change of the list. */
    this.listNumber = 0;
  }

  /**
   * Answers one request: `{result}`, `{error}`, or undefined when there is none. `wire` is its transport: `notify(message)`, `ask(method,
   * params)`, and `fault(name, args, id)`, which says whether it took care of the answer itself.
   */
  async answer({ id, method, params = {} }, wire) {
    if (this.state.hang === true && method !== "initialize" && params.name !== "set") return undefined;
    if (method === "tools/call") return this.call(id, params, wire);
    this.note({ method });
    switch (method) {
      case "initialize":
        return this.isModern ? unknownMethod : { result: this.introduction() };
      case "server/discover":
        return this.isModern ? { result: this.complete(this.discovery()) } : unknownMethod;
      case "tools/list":
        return {
          result: this.complete({ tools: this.tools() }, { ttlMs: this.state.ttlMs ?? 1_000, cacheScope: "public" }),
        };
      case "ping":
        return this.isModern ? unknownMethod : { result: {} };
      default:
        return this.unfinished?.answer(method, params) ?? unknownMethod;
    }
  }

  async call(id, params, wire) {
    const { name, arguments: args = {}, _meta } = params;
    this.note({ method: "tools/call", tool: name, call: args.call });
    if (++this.calls > (this.options.crashAfter ?? Infinity)) process.exit(3);
    if (this.state.listChanges === true) {
      this.listNumber += 1;
      wire.notify({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    }
    switch (name) {
      case "echo":
        return this.text(JSON.stringify(args));
      case "pid":
        return this.text(String(process.pid));
      case "sleep":
        await sleep(args.ms);
        return this.text(`slept ${JSON.stringify(args)}`);
      case "fail":
        return { result: this.complete({ content: [{ type: "text", text: "no such city" }], isError: true }) };
      case "refuse":
        return { error: { code: args.code ?? -32603, message: "refused" } };
      case "set":
        Object.assign(this.state, args.set);
        return this.text("set");
      case "fault":
        return this.fault(id, args, wire, _meta?.progressToken);
      default:
        return (await this.unfinished?.call(params, wire)) ?? { error: { code: -32602, message: `no tool ${name}` } };
    }
  }

  async fault(id, args, wire, token) {
    if (args.do === "hang") return undefined;
    if (args.do === "progress") return this.flood(args, wire, token);
    if (args.do === "ask") {
      await wire.ask("sampling/createMessage", { messages: [], maxTokens: 1 });
      return this.text("answered");
    }
    const own = processFaults[args.do];
    if (own !== undefined) return this.text(String(await own(args, this.options.tag)));
    if (await wire.fault(args.do, args, id)) return undefined;
    return this.text(`done ${JSON.stringify(args)}`);
  }

  /** `count` notifications of progress, as fast as they are taken. */
  async flood({ count, perTick = 100 }, wire, progressToken) {
    for (let sent = 0; sent < count; sent += 1) {
      const params = { progressToken, progress: sent + 1, total: count };
      wire.notify({ jsonrpc: "2.0", method: "notifications/progress", params });
      if (sent % perTick === perTick - 1) await sleep(perTick / 10);
    }
    return this.text(`sent ${count}`);
  }

  introduction() {
    return { protocolVersion: "2025-11-25", capabilities: this.capabilities(), serverInfo: this.info() };
  }

  discovery() {
    const _meta = { "io.modelcontextprotocol/serverInfo": this.info() };
    return {
      supportedVersions: ["2026-07-28"],
      capabilities: this.capabilities(),
      ttlMs: 0,
      cacheScope: "public",
      _meta,
    };
  }

  capabilities() {
    return { tools: { listChanged: true }, ...this.unfinished?.capabilities };
  }

  info() {
    return { name: this.name, version: "1" };
  }

  /**
   * The same tools in each list, but for one that comes and goes (`listChanges`), one that changes its description (`drift`), and one
   * that no other process has (`differs`).
   */
  tools() {
    const inputSchema = { type: "object" };
    const named = [...toolNames, ...(this.unfinished?.toolNames ?? [])].map((name) => ({ name, inputSchema }));
    if (this.state.drift !== undefined) named[0].description = String(this.state.drift);
    if (this.state.differs === true) named.push({ name: `of-${process.pid}`, inputSchema });
    return this.listNumber % 2 === 0 ? named : [...named, { name: "extra", inputSchema }];
  }

  text(text) {
    return { result: this.complete({ content: [{ type: "text", text }] }) };
  }

  complete(result, hints = {}) {
    return this.isModern ? { resultType: "complete", ...result, ...hints } : result;
  }
}

const unknownMethod = { error: { code: -32601, message: "Method not found" } };
