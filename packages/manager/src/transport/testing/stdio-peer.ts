/**
 * The stand-in server as a program on stdio, run by tests as a child process: `node stdio-peer.ts <era> [mode]`. Modes that concern
 * the opening come as an argument, faults of one call as its tool name. Its journal, and `release`, travel over Node's IPC.
 */
import { closeSync, writeSync } from "node:fs";
import { failure, Peer, type PeerCall, result, type Wire } from "./peer.ts";

const [, , era = "legacy", mode = ""] = process.argv;

/** One write a message; the pipe is blocking, so that order and pieces are as asked for. */
const wire: Wire = { streams: true, send: (message) => write(`${message}\n`) };

function write(text: string | Uint8Array): void {
  let bytes = typeof text === "string" ? Buffer.from(text) : text;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

function special(call: PeerCall): boolean {
  const act = faults[call.name];
  act?.(call);
  return act !== undefined;
}

const faults: Readonly<Record<string, ((call: PeerCall) => void) | undefined>> = {
  /** Lines that are no messages, `count` of them, around the answer. */
  garbage(call) {
    const lines = ["Listening…", "\x00\x01", '{"jsonrpc":"2.0"}', "[]", "", "   ", "null"];
    for (let i = 0; i < Number(call.args["count"]); i++) write(`${lines[i % lines.length]}\r\n`);
    write(Buffer.from([0xff, 0xfe, 0x0a]));
    write(`${result(call.id, "{}")}\r\n`);
  },
  /** An answer that is nested deeper than anybody reads. */
  deep: (call) => write(`${result(call.id, `${"[".repeat(200)}${"]".repeat(200)}`)}\n`),
  /** A line that does not end. */
  oversize() {
    const block = "x".repeat(65_536);
    for (;;) write(block);
  },
  /** Each byte in a write of its own. */
  split(call) {
    for (const byte of Buffer.from(`${result(call.id, '{"text":"é\u{1f600}"}')}\n`)) write(Uint8Array.of(byte));
  },
  /** Answers of all kinds that are not asked for, then the right one, twice. */
  stranger(call) {
    for (const id of ["999999", '"1"', "1.0", "-1", "null", "0"]) write(`${result(id, "{}")}\n`);
    write(`${failure(call.id, -32602, "first")}\n${result(call.id, '"second"')}\n`);
  },
  exit: () => process.exit(3),
  /** Goes on living without a stdout. */
  "half-close": () => closeSync(1),
  /** Does not read any more, for ever. */
  deaf(call) {
    process.stdin.pause();
    write(`${result(call.id, "{}")}\n`);
  },
  /** Takes no input any more, and says so. */
  "stdin-close"(call) {
    process.stdin.destroy();
    // Node itself leaves the descriptor open.
    closeSync(0);
    write(`${result(call.id, "{}")}\n`);
  },
};

const peer = new Peer({
  era: era === "modern" ? "modern" : "legacy",
  journal: (line) => process.send?.(line),
  special,
});

const openings: Readonly<Record<string, ((text: string, id: string) => boolean) | undefined>> = {
  silent: () => true,
  /** As servers do that take nothing but `initialize` first. */
  strict: (text) => (text.includes('"server/discover"') ? process.exit(1) : false),
  /** As servers do that answer anything. */
  empty: (_, id) => sent(result(id, "{}")),
  refuse: (_, id) => sent(failure(id, -32000, "no licence")),
  header: (_, id) => sent(failure(id, -32020, "header mismatch")),
  /** Refuses the version once, and offers it. */
  again: (_, id) => {
    asked++;
    return asked === 1 && sent(failure(id, -32022, "version", { supported: ["2026-07-28"] }));
  },
  again2: (_, id) => sent(failure(id, -32022, "version", { supported: ["2026-07-28"] })),
  offers: (_, id) => sent(failure(id, -32022, "version", { supported: ["2025-11-25"] })),
  noisy: (_, id) => sent("Starting up…\nstill starting") && sent(failure(id, -32603, "no database")),
  future: (_, id) => sent(result(id, '{"protocolVersion":"2999-01-01","capabilities":{}}')),
};
const opening = openings[mode];
let asked = 0;

function sent(message: string): true {
  wire.send(message);
  return true;
}

let pending = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const lines = (pending + text).split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) {
    const id = /"id":([^,]+),/.exec(line)?.[1];
    if (id === undefined || opening?.(line, id) !== true) peer.receive(line, wire);
  }
});
// Open pipes keep it alive; the IPC channel alone does not.
process.stdin.on("end", () => process.disconnect?.());
process.on("message", () => peer.release());
process.on("disconnect", () => process.exit(0));
if (mode === "exit") process.exit(7);
