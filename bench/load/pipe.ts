/**
 * Small tools/call requests to a stdio server without anything between: what a call over a pipe costs by itself. The server is
 * started here, on the contestants' core; as many calls are in flight as there would be connections. Prints the same line as call.lua.
 *
 *   bun load/pipe.ts '{"target": {"command": […]}, "connections": 1, "seconds": 1, "seed": "a"}'
 */
import { spawn } from "node:child_process";
import type { Load } from "../rig/load.ts";

const { target, connections, seconds, seed } = JSON.parse(process.argv[2] ?? "") as Load;
const [command = "", ...args] = target.command ?? [];
const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const dueMs = new Map<number, number>();
const latenciesUs: number[] = [];
let rest = "";
let next = 1;
let bad = 0;
let sample = "";
/** Until then, calls warm both sides up and are not counted. */
const startMs = performance.now() + 500;

function send(): void {
  const number = next++;
  dueMs.set(number, performance.now());
  child.stdin.write(
    `{"jsonrpc":"2.0","id":${number},"method":"tools/call","params":{"name":"echo","arguments":{"n":"${seed}${number}"}}}\n`,
  );
}

function receive(line: string): void {
  const nowMs = performance.now();
  const number = Number(/"id":(\d+)/.exec(line)?.[1]);
  const sentMs = dueMs.get(number);
  dueMs.delete(number);
  if (sentMs === undefined || !line.includes(`"text":"n=${seed}${number} `)) {
    bad++;
    sample = line.slice(0, 300);
  } else if (sentMs >= startMs) latenciesUs.push((nowMs - sentMs) * 1e3);
  if (nowMs - startMs < seconds * 1_000) send();
  else if (dueMs.size === 0) finish();
}

function finish(): void {
  latenciesUs.sort((a, b) => a - b);
  const at = (share: number): number => latenciesUs[Math.floor(latenciesUs.length * share)] ?? 0;
  const durationUs = Math.round((performance.now() - startMs) * 1e3);
  const figures = { p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99) };
  child.kill();
  const printed = { requests: latenciesUs.length, durationUs, errors: 0, bad, ...figures, sample };
  process.stdout.write(`@@${JSON.stringify(printed)}\n`, () => process.exit(0));
}

child.stdout.on("data", (chunk: Buffer) => {
  const lines = (rest + chunk.toString("latin1")).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) receive(line);
});
child.once("exit", () => process.exit(1));
for (let i = 0; i < connections; i++) send();
