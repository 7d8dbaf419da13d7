/**
 * ExecuteTool, back to back, over one connection as gRPC clients have it: as many calls in flight as other loads have connections.
 * Every answer must be a success with its own n. Prints the same line as load/call.lua.
 *
 *   node --conditions=mcp-manager-source doors/execute-tool.ts '{"target": {"door": {…}}, "connections": 16, "seconds": 1, "seed": "a"}'
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { ExecuteToolRequestSchema } from "../../packages/manager/src/api/grpc/gen/mcpmanager/v1/server_messages_pb.ts";
import type { Load } from "../rig/load.ts";
import { Channel } from "./channel.ts";

const { target, connections, seconds, seed } = JSON.parse(process.argv[2] ?? "") as Load;
const { door, tool, authorization = "" } = target;
if (door === undefined) throw new Error("there is no door to call through");
const { kind, url, server } = door;

function requestOf(n: string): Uint8Array {
  const given =
    kind === "grpc-raw" ? { argumentsJson: Buffer.from(JSON.stringify({ n })), raw: true } : { arguments: { n } };
  return toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, { server, tool, ...given }));
}

using channel = new Channel(url, authorization);
const latenciesUs: number[] = [];
let next = 1;
let bad = 0;
let sample = "";
const startMs = performance.now();

async function oneAtATime(): Promise<void> {
  for (let nowMs = performance.now(); nowMs - startMs < seconds * 1_000;) {
    const n = `${seed}${next++}`;
    const { status, message, body } = await channel.call("ExecuteTool", requestOf(n));
    const sentMs = nowMs;
    nowMs = performance.now();
    latenciesUs.push((nowMs - sentMs) * 1e3);
    if (status === "0" && body.includes(`n=${n} `)) continue;
    bad++;
    sample = `${status} ${message} ${body.toString("latin1").slice(0, 300)}`;
  }
}

await Promise.all(Array.from({ length: connections }, oneAtATime));
const durationUs = Math.round((performance.now() - startMs) * 1e3);
latenciesUs.sort((a, b) => a - b);
const at = (share: number): number => latenciesUs[Math.floor(latenciesUs.length * share)] ?? 0;
const figures = { p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99) };
const printed = { requests: latenciesUs.length, durationUs, errors: 0, bad, ...figures, sample };
process.stdout.write(`@@${JSON.stringify(printed)}\n`);
