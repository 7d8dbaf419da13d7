/**
 * Where the time of one contestant in Node goes: a CPU profile under full load, summed up by function and by file. The profile
 * itself is kept in `bench/results` for Chrome's or an editor's viewer.
 *
 *   node bench/profile.ts manager|manager-server|rest|grpc|relay [http|stdio|large|large-sse|list|many|start] [legacy|modern] [seconds]
 *
 * `rest` and `grpc` are the manager, called through that door. `start` is no load, but the first seconds with 1,000 servers.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { contestantCore, loadCore, remote, serversOf, stdioSource } from "./groups/group.ts";
import { listServers, longPath, mergedList } from "./groups/list.ts";
import { largeCall } from "./groups/large.ts";
import { manyPath, manyServers } from "./groups/many.ts";
import { manager, type ManagerOptions, startManager } from "./peers/manager.ts";
import { relay } from "./peers/relay.ts";
import { type Contestant, type Era, smallCall } from "./rig/contestant.ts";
import { saturate } from "./rig/load.ts";
import { bench, cache, root } from "./rig/paths.ts";
import { openSessions } from "./rig/session.ts";
import { startUpstream } from "./rig/upstream.ts";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const [who = "manager", wire = "http", eraText = "legacy", secondsText = "8"] = process.argv.slice(2);
const seconds = Number(secondsText);
const era: Era = eraText === "modern" ? "modern" : "legacy";
const folder = `${bench}/results/profile-${who}-${wire}-${era}`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
mkdirSync(cache, { recursive: true });

const nodeOptions = `--cpu-prof --cpu-prof-interval=200 --cpu-prof-dir=${folder}`;
const upstream = await startUpstream(wire === "list" || wire === "many" || wire === "start" ? "both" : era, loadCore);
try {
  await (wire === "start" ? profileStart() : profileLoad());
} finally {
  await upstream.stop();
}
summarize();

async function profileLoad(): Promise<void> {
  const running = await contestant().start();
  try {
    const { target } = running;
    const load = { target, sessions: await openSessions(target, 16), connections: 16, core: loadCore };
    const result = await saturate({ ...load, seconds, seed: "p" });
    process.stdout.write(`${target.name}, ${wire}, ${era}: ${result.perSecond.toFixed(0)} calls/s while profiled\n`);
  } finally {
    await running.stop();
  }
}

async function profileStart(): Promise<void> {
  const servers = serversOf(upstream, manyServers, manyPath);
  const started = await startManager({ servers, core: contestantCore, nodeOptions });
  await sleep(seconds * 1_000);
  await started.stop();
}

function contestant(): Contestant {
  if (who === "relay") return relay(upstream.port, era, "net", contestantCore, nodeOptions);
  const endpoint = who === "manager" ? "aggregate" : "server";
  const through: Pick<ManagerOptions, "door"> = who === "rest" || who === "grpc" ? { door: who } : {};
  return manager({ ...workload(), era, endpoint, core: contestantCore, nodeOptions, ...through });
}

function workload(): Pick<ManagerOptions, "servers" | "work" | "called"> {
  if (wire === "large" || wire === "large-sse") {
    const work = largeCall(wire === "large" ? "json" : "sse");
    return { servers: { bench: remote(upstream, work.path) }, work };
  }
  if (wire === "list") {
    return { servers: serversOf(upstream, listServers, longPath), work: mergedList, called: listServers };
  }
  if (wire === "many") return { servers: serversOf(upstream, manyServers, manyPath), called: manyServers };
  return { servers: { bench: wire === "stdio" ? stdioSource("legacy") : remote(upstream) }, work: smallCall };
}

function summarize(): void {
  // Worker threads write profiles of their own; the main thread's has the most in it under load.
  const files = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  const profiles = files.map((name) => ({
    name,
    ...(JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as Profile),
  }));
  const [profile] = profiles.sort((a, b) => busyUs(b) - busyUs(a));
  if (profile === undefined) throw new Error(`the contestant left no profile in ${folder}`);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  // Only the load at the end counts, not the start and the first calls.
  let leftUs = profile.timeDeltas.reduce((sum, us) => sum + us, 0) - (seconds - 1) * 1e6;
  profile.samples.forEach((id, at) => {
    const frame = nodes.get(id);
    leftUs -= profile.timeDeltas[at] ?? 0;
    if (leftUs > 0) return;
    if (frame === undefined || frame.functionName === "(idle)") return;
    const file = frame.url.replace(`file://${root}/`, "") || "(native)";
    const name = `${frame.functionName || "(anonymous)"}  ${file}:${frame.lineNumber + 1}`;
    const us = profile.timeDeltas[at] ?? 0;
    byFunction.set(name, (byFunction.get(name) ?? 0) + us);
    byFile.set(file, (byFile.get(file) ?? 0) + us);
  });
  process.stdout.write(`\nself time by file\n${table(byFile, 25)}\nself time by function\n${table(byFunction, 50)}\n`);
  process.stdout.write(`\n${folder}/${profile.name}\n`);
}

function busyUs(profile: Profile): number {
  const idle = new Set(
    profile.nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)").map(({ id }) => id),
  );
  return profile.samples.reduce((sum, id, at) => sum + (idle.has(id) ? 0 : (profile.timeDeltas[at] ?? 0)), 0);
}

function table(times: ReadonlyMap<string, number>, rows: number): string {
  const total = [...times.values()].reduce((sum, us) => sum + us, 0);
  const sorted = [...times].sort((a, b) => b[1] - a[1]).slice(0, rows);
  return sorted.map(([name, us]) => `${((us * 100) / total).toFixed(1).padStart(5)} %  ${name}`).join("\n");
}
