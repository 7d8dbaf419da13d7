/** What holds a deployment back, or ends it: room, time, what it is measured by; how it is tried again, and what is kept of it. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Deployment, DeploymentReason } from "@mcp-manager/api";
import { startManager, type ManagerProcess, until } from "./testing/manager.ts";
import { Caller } from "./testing/release-caller.ts";
import { api, deploy, deploymentOf, reaches, type Release, releaseSource, serverOf } from "./testing/releases.ts";

let manager: ManagerProcess;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mcp-manager-bounds-"));
  manager = await startManager({ config: JSON.stringify({ agent: { spares: 0 } }) });
});
after(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const deployment = { drainTimeout: "1s" };
const quick = { strategy: { kind: "blue-green", scaleDownDelay: "0s" }, deployment };

async function first(
  server: string,
  spec: object = quick,
  on: ManagerProcess = manager,
  release: Release = { version: 1 },
): Promise<void> {
  await reaches(on, await deploy(on, server, release, spec), "Completed");
}

/** The versions of the list and of the answer that a caller is given. */
async function version(server: string, on: ManagerProcess = manager): Promise<readonly (number | undefined)[]> {
  return (await Caller.open(on, { path: `/servers/${server}/mcp` })).sees();
}

async function say(name: string, verb: string, on: ManagerProcess = manager): Promise<Deployment> {
  const { status, json } = await api(on, "POST", `deployments/${name}/${verb}`);
  assert.equal(status, verb === "retry" ? 202 : 200, JSON.stringify(json));
  return json as unknown as Deployment;
}

/** Resolves when a deployment has failed for this reason; gives its message. */
async function fails(name: string, reason: DeploymentReason, on: ManagerProcess = manager): Promise<string> {
  const { status } = await reaches(on, name, "Failed", "Completed", "Aborted");
  assert.deepEqual([status.phase, status.reason], ["Failed", reason]);
  return status.message ?? "";
}

test("what does not fit is told in figures and moves nothing; it fits by a way that needs less, or when there is room", async () => {
  const capacity = { replicas: 5, processes: 300, memory: "1GiB" };
  await using small = await startManager({ config: JSON.stringify({ agent: { spares: 0 }, capacity }) });
  const each = { processes: 8, memory: "16MiB" };
  const many = { ...quick, replicas: 3, limits: each };
  await first("many", many, small);
  const wide = await deploy(small, "many", { version: 2 }, many);
  assert.match(await fails(wide, "ResourceExhausted", small), /replicas: 3 more needed, 3 of 5 taken/);
  assert.deepEqual(await version("many", small), [1, 1]);
  assert.equal((await small.client.servers.replicas("many")).items.length, 3);

  const narrow = { ...many, strategy: { kind: "rolling", minReady: "0s" } };
  await reaches(small, await deploy(small, "many", { version: 3 }, narrow), "Completed");
  assert.deepEqual(await version("many", small), [3, 3]);

  const forking = { ...quick, limits: { ...each, processes: 150 } };
  await first("forking", forking, small);
  const more = await deploy(small, "forking", { version: 2 }, forking);
  const message = await fails(more, "ResourceExhausted", small);
  assert.match(message, /processes: 150 more needed, 174 of 300 taken/);
  assert.doesNotMatch(message, /replicas: |memory: /);
  const heavy = { ...quick, limits: { ...each, memory: "1000MiB" } };
  assert.match(
    await fails(await deploy(small, "heavy", { version: 1 }, heavy), "ResourceExhausted", small),
    /memory: 1000MiB more needed, 64MiB of 1GiB taken/,
  );
  await until("it has failed", async () => (await serverOf(small, "heavy")).status.state === "failed");
  assert.deepEqual((await small.client.servers.replicas("heavy")).items, [], "nothing is started beyond the bound");

  assert.equal((await api(small, "DELETE", "servers/many")).status, 202);
  await until("there is room", async () => (await api(small, "GET", "servers/many")).status === 404);
  const again = await say(more, "retry", small);
  assert.equal(again.metadata.name, "forking-2-2");
  // 150 are taken, 150 more fit.
  await reaches(small, again.metadata.name, "Completed");
  assert.deepEqual(await version("forking", small), [2, 2]);
});

test("the same room is not given twice to deployments that begin at once", async () => {
  const names = ["north", "east", "south", "west"];
  const servers = Object.fromEntries(names.map((name) => [name, { ...quick, source: releaseSource({ version: 1 }) }]));
  const capacity = { replicas: 3 };
  await using small = await startManager({ config: JSON.stringify({ agent: { spares: 0 }, capacity, servers }) });
  const ends = await Promise.all(names.map((name) => reaches(small, `${name}-1-1`, "Completed", "Failed")));
  assert.deepEqual(ends.map(({ status }) => status.phase).toSorted(), [
    "Completed",
    "Completed",
    "Completed",
    "Failed",
  ]);
  const running = await Promise.all(names.map((name) => small.client.servers.replicas(name)));
  assert.equal(running.flatMap(({ items }) => items).length, 3);
});

test("where nothing goes back by itself, what fares badly waits with the reason, and people decide", async () => {
  const strategy = {
    kind: "canary",
    steps: [{ weight: 100, pause: "60s" }],
    analysis: [{ name: "error-rate", max: 0.05, interval: "200ms", minSamples: 10 }],
  };
  const spec = { strategy, breaker: { enabled: false }, deployment: { ...deployment, autoRollback: false } };
  await first("own-ways", spec);
  const name = await deploy(manager, "own-ways", { version: 2, fails: 5 }, spec);
  const caller = await Caller.open(manager, { path: "/servers/own-ways/mcp" });
  const judged = async (): Promise<boolean> => {
    await caller.call("which");
    const { status } = await deploymentOf(manager, name);
    return status.phase === "Paused" && status.reason === "AnalysisFailed";
  };
  await until("it is found to be bad", judged);
  const { status } = await deploymentOf(manager, name);
  assert.match(status.message ?? "", /error-rate: .*; nothing goes back by itself here: abort, or resume/);
  assert.equal(status.traffic.target, 100, "traffic stays where it is");
  const { abortedGeneration } = (await serverOf(manager, "own-ways")).status;
  assert.equal(abortedGeneration, undefined);
  await say(name, "resume");
  await until("it is found to be as bad as before", judged);
  await say(name, "abort");
  await reaches(manager, name, "Aborted");
  assert.deepEqual(await version("own-ways"), [1, 1]);
});

for (const kind of ["rolling", "blue-green", "recreate"]) {
  test(`a version that never gets ready is given up after its time (${kind}), and the next one is tried`, async () => {
    const server = `mute-${kind}`;
    const spec = { strategy: { kind }, deployment: { ...deployment, progressDeadline: "2s" } };
    await first(server, spec);
    const name = await deploy(manager, server, { version: 2, mute: true }, spec);
    assert.match(await fails(name, "ProgressDeadline"), /nothing moved for 2s on the way to mute-.*-2/);
    await until("the stable one serves", async () => (await version(server)).join() === "1,1");
    await until("nothing is left of it", async () => {
      const { items } = await manager.client.servers.replicas(server);
      return items.length === 1 && items[0]?.spec.revision === `${server}-1`;
    });
    await until("the server says so", async () => (await serverOf(manager, server)).status.state === "degraded");
    const { status, metadata } = await serverOf(manager, server);
    assert.equal(status.abortedGeneration, metadata.generation);
    await reaches(manager, await deploy(manager, server, { version: 3 }, spec), "Completed");
    // Where nothing served before, calls follow what stands in the store a moment later.
    await until("the next one serves", async () => (await version(server)).join() === "3,3");
    const { state, abortedGeneration } = (await serverOf(manager, server)).status;
    assert.deepEqual([state, abortedGeneration], ["ready", undefined]);
  });
}

test("a failed one is tried again on a word, an aborted one from its first step, and one that was followed by another never", async () => {
  const steps = [{ weight: 10 }, { weight: 50 }];
  const spec = { strategy: { kind: "canary", steps, analysis: [] }, deployment };
  const needs = join(folder, "licence");
  await first("again", spec);
  const failed = await deploy(manager, "again", { version: 2, needs }, spec);
  assert.match(await fails(failed, "CannotStart"), /no licence found|status 3/);
  await writeFile(needs, "");
  const second = (await say(failed, "retry")).metadata.name;
  assert.equal(second, "again-2-2");
  await reaches(manager, second, "Paused");
  await say(second, "promote");
  await until("it is at its last step", async () => (await deploymentOf(manager, second)).status.traffic.target === 50);
  await say(second, "abort");
  await reaches(manager, second, "Aborted");
  const late = await api(manager, "POST", `deployments/${failed}/retry`);
  assert.deepEqual([late.status, late.json["code"]], [409, "failed_precondition"]);
  assert.match(String(late.json["detail"]), /again-2-2/);
  const third = (await say(second, "retry")).metadata.name;
  const { status } = await reaches(manager, third, "Paused");
  assert.deepEqual([third, status.step?.index, status.traffic.target], ["again-2-3", 1, 10]);
  assert.equal((await api(manager, "POST", `deployments/${third}/promote`, { full: true })).status, 200);
  await reaches(manager, third, "Completed");
  assert.deepEqual(await version("again"), [2, 2]);
});

test("a first version that cannot start is tried on after its deployment has failed", async () => {
  const needs = join(folder, "late-licence");
  const name = await deploy(manager, "early", { version: 1, needs }, quick);
  await fails(name, "CannotStart");
  await writeFile(needs, "");
  await until("it serves", async () => (await version("early")).join() === "1,1");
  await reaches(manager, await deploy(manager, "early", { version: 2 }, quick), "Completed");
  assert.deepEqual(await version("early"), [2, 2]);
});

test("ten revisions are kept beside those in use, newest first, with their deployments, and any two can be compared", async () => {
  await first("old");
  const waiting = { ...quick, strategy: { ...quick.strategy, autoPromote: false } };
  for (let at = 2; at <= 11; at++) await deploy(manager, "old", { version: at }, waiting);
  const name = await deploy(manager, "old", { version: 12 }, quick);
  await reaches(manager, name, "Completed");
  const numbers = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1];
  const names = async (what: string): Promise<readonly string[]> => {
    const { json } = await api(manager, "GET", `servers/old/${what}`);
    return (json["items"] as { readonly metadata: { readonly name: string } }[]).map(({ metadata }) => metadata.name);
  };
  const revisions = numbers.map((at) => `old-${at}`);
  // The first was stable until now, so that it is the way back.
  await until("what is too old is forgotten", async () => (await names("revisions")).join() === revisions.join());
  assert.deepEqual(
    await names("deployments"),
    revisions.map((revision) => `${revision}-1`),
  );
  const { items } = await manager.client.servers.deployments("old");
  assert.deepEqual(
    items.slice(1, -1).map(({ status }) => status.reason),
    numbers.slice(1, -1).map(() => "Superseded"),
  );
  const diff = await manager.client.servers.diff("old", { from: "old-1", to: "old-12" });
  assert.deepEqual(
    diff.spec.map(({ path }) => path),
    ["source.args"],
  );
  assert.equal(diff.schema?.class, "additive");
  assert.equal((await api(manager, "GET", "servers/old/diff?from=old-2")).status, 404);
  assert.equal((await api(manager, "POST", "servers/old/rollback", {})).status, 202);
  await until("it is back", async () => (await version("old")).join() === "1,1");
});
