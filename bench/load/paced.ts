/**
 * Small tools/call requests at a given rate, evenly spread, whether answers come or not (an open loop). Latency counts from the
 * moment a request was due, so that a stall also counts for those who had to wait behind it. Every answer is checked as in call.lua,
 * and the same line is printed. Runs on Bun's bare sockets and spins between sends, so it belongs on a scheduling class that
 * yields to whatever else runs on its core.
 *
 *   bun load/paced.ts '{"target": …, "sessions": […], "connections": 16, "seconds": 2, "seed": "a", "perSecond": 5000}'
 */
import type { Load } from "../rig/load.ts";
import { modernMeta } from "../rig/session.ts";

interface Socket {
  data: Connection;
  write(text: string): number;
}

declare const Bun: {
  connect(options: {
    hostname: string;
    port: number;
    data: Connection;
    socket: {
      data(socket: Socket, bytes: Buffer): void;
      close(socket: Socket): void;
      error(socket: Socket, error: Error): void;
    };
  }): Promise<Socket>;
};

/** One kept connection: one request at a time on it. */
interface Connection {
  /** The request in flight; undefined while it is free. */
  number: number | undefined;
  received: string;
}

const options = JSON.parse(process.argv[2] ?? "") as Load & { readonly perSecond: number };
const { target, sessions, seed } = options;
const url = new URL(target.url);
const tools = [target.tool, ...(target.otherTools ?? [])];
const heads = headsOf();
const meta = target.era === "modern" ? `,"_meta":${JSON.stringify(modernMeta)}` : "";
const intervalMs = 1_000 / options.perSecond;
/** Requests of the first part of a second warm the connections up and are not counted. */
const warmUp = Math.ceil(options.perSecond * 0.2);
const total = warmUp + Math.ceil(options.perSecond * options.seconds);
/** How long answers are waited for after the last request was due. */
const patienceMs = 5_000;

const doneMs = new Float64Array(total);
/** Spans in which the generator was held up, or had not yet caught up after that: starts and ends in turn. */
const heldUp: number[] = [];
const free: Socket[] = [];
let sent = 0;
let answered = 0;
let errors = 0;
let bad = 0;
let sample = "";
let startMs = 0;
let lastSpinMs = 0;
/** Time in which the generator itself was held up: others had its core. */
let heldUpMs = 0;
/** A turn of the loop takes far less; a longer one means that somebody else had the core. */
const turnMsMax = 0.25;

function headsOf(): string[] {
  const common = [
    `POST ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    ...(target.authorization === undefined ? [] : [`Authorization: ${target.authorization}`]),
  ];
  const end = (lines: readonly string[]): string => [...common, ...lines, "Content-Length: "].join("\r\n");
  if (target.era === "modern") {
    return tools.map((tool) =>
      end(["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", `Mcp-Name: ${tool}`]),
    );
  }
  if (sessions.length === 0) return [end(["MCP-Protocol-Version: 2025-11-25"])];
  return sessions.map((id) => end(["MCP-Protocol-Version: 2025-11-25", `Mcp-Session-Id: ${id}`]));
}

function send(socket: Socket): void {
  const number = sent++;
  socket.data.number = number;
  const body = `{"jsonrpc":"2.0","id":${number},"method":"tools/call","params":{"name":"${tools[number % tools.length]}","arguments":{"n":"${seed}${number}"}${meta}}}`;
  socket.write(`${heads[number % heads.length]}${body.length}\r\n\r\n${body}`);
}

/** Whether the answer is whole. Bodies of the bench are ASCII, and a connection carries one answer at a time. */
function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1];
  return length === undefined ? text.endsWith("\r\n0\r\n\r\n") : text.length >= headEnd + 4 + Number(length);
}

function receive(socket: Socket, bytes: Buffer): void {
  const connection = socket.data;
  const { number } = connection;
  connection.received += bytes.toString("latin1");
  if (number === undefined || !isWhole(connection.received)) return;
  const nowMs = performance.now();
  doneMs[number] = nowMs;
  check(connection.received, number);
  connection.received = "";
  connection.number = undefined;
  answered++;
  // Whoever is late has been waiting for a free connection.
  if (sent < total && nowMs >= startMs + sent * intervalMs) send(socket);
  else free.push(socket);
}

function check(answer: string, number: number): void {
  const isRight =
    answer.startsWith("HTTP/1.1 200") &&
    answer.includes(`"text":"n=${seed}${number} `) &&
    new RegExp(`"id":${number}[,}]`).test(answer);
  if (isRight) return;
  bad++;
  if (sample === "") sample = answer.slice(0, 300);
}

function spin(): void {
  const nowMs = performance.now();
  if (sent > warmUp && nowMs - lastSpinMs > turnMsMax) {
    heldUpMs += nowMs - lastSpinMs;
    if (heldUp.length % 2 === 0) heldUp.push(lastSpinMs);
  }
  lastSpinMs = nowMs;
  for (let socket = free.at(-1); socket !== undefined && sent < total && nowMs >= startMs + sent * intervalMs;) {
    free.pop();
    send(socket);
    socket = free.at(-1);
  }
  const isBehind = sent < total && nowMs >= startMs + sent * intervalMs;
  if (heldUp.length % 2 === 1 && !isBehind) heldUp.push(nowMs);
  const overdueMs = nowMs - (startMs + total * intervalMs);
  if (answered < total && overdueMs < patienceMs) setImmediate(spin);
  else finish();
}

/**
 * Latencies of the requests that the generator itself did not delay. The rest says nothing of the contestant: on a shared machine a
 * core is away for a millisecond many times a second, and whatever fell due then would be counted as the contestant's stall.
 */
function countedMs(): Float64Array {
  const counted = new Float64Array(sent - warmUp);
  let length = 0;
  let span = 0;
  for (let number = warmUp; number < sent; number++) {
    const dueMs = startMs + number * intervalMs;
    const endMs = doneMs[number] ?? 0;
    while (span + 1 < heldUp.length && (heldUp[span + 1] ?? 0) < dueMs) span += 2;
    if (span < heldUp.length && (heldUp[span] ?? 0) <= endMs) continue;
    counted[length++] = endMs - dueMs;
  }
  return counted.subarray(0, length).toSorted();
}

function finish(): void {
  if (heldUp.length % 2 === 1) heldUp.push(performance.now());
  const counted = countedMs();
  const atUs = (share: number): number => Math.round((counted[Math.floor(counted.length * share)] ?? 0) * 1e4) / 10;
  const printed = {
    requests: answered - warmUp,
    durationUs: Math.round((answered - warmUp) * intervalMs * 1e3),
    errors: errors + (total - answered),
    bad,
    p50Us: atUs(0.5),
    p90Us: atUs(0.9),
    p99Us: atUs(0.99),
    heldUpUs: Math.round(heldUpMs * 1e3),
    leftOut: 1 - counted.length / Math.max(1, sent - warmUp),
    sample,
  };
  process.stdout.write(`@@${JSON.stringify(printed)}\n`, () => process.exit(0));
}

for (let i = 0; i < options.connections; i++) {
  const socket = await Bun.connect({
    hostname: url.hostname,
    port: Number(url.port),
    data: { number: undefined, received: "" },
    socket: {
      data: receive,
      close: () => {
        errors++;
      },
      error: () => {
        errors++;
      },
    },
  });
  free.push(socket);
}
startMs = performance.now();
lastSpinMs = startMs;
spin();
