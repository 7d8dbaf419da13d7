/** The operations on deployments over a registry in memory; the test is the controller. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  Deployment,
  DeploymentPhase,
  DeploymentStatus,
  List,
  Problem,
  RevisionDiff,
  Server,
} from "@mcp-manager/api";
import { deploymentName } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const path = "/api/v1/servers/weather";

function body(version: number, more: object = {}): object {
  return { spec: { source: { kind: "process", command: "npx", args: [`weather@${version}`] }, ...more } };
}

/** Applies a version of the server; the name of the Deployment that it began. */
async function apply(door: Door, version: number, more: object = {}): Promise<string | null> {
  const answer = await door.ask(path, { method: "PUT", json: body(version, more) });
  assert.ok(answer.ok);
  return answer.headers.get("mcp-manager-deployment");
}

async function server(door: Door): Promise<Server> {
  return await door.registry.resources(kinds.Server).require("weather");
}

async function deployment(door: Door, name: string): Promise<Deployment> {
  return await door.registry.resources(kinds.Deployment).require(name);
}

async function put(door: Door, name: string, more: Partial<DeploymentStatus>): Promise<void> {
  await door.registry.resources(kinds.Deployment).updateStatus(name, ({ status }) => ({ ...status, ...more }));
}

/** What a controller would have written by the time that all traffic is on the revision. */
async function arrive(door: Door, name: string, phase: DeploymentPhase = "Completed"): Promise<void> {
  await put(door, name, { phase });
  const { spec } = await deployment(door, name);
  const route = { stable: spec.to, draining: [] };
  await door.registry.resources(kinds.Server).updateStatus("weather", ({ status }) => ({ ...status, route }));
}

/** With weather-1 and weather-2, the second of which is stable. */
async function withTwo(): Promise<Door> {
  const door = await openDoor();
  for (const version of [1, 2]) await arrive(door, (await apply(door, version)) ?? "");
  return door;
}

async function post(
  door: Door,
  where: string,
  json: object = {},
): Promise<{ status: number; body: Deployment & Problem }> {
  const answer = await door.ask(where, { method: "POST", json });
  return { status: answer.status, body: (await answer.json()) as Deployment & Problem };
}

function say(door: Door, name: string, verb: string, json: object = {}): ReturnType<typeof post> {
  return post(door, `/api/v1/deployments/${name}/${verb}`, json);
}

test("what has to run otherwise begins a deployment, named in a header and in the status; anything else begins none", async () => {
  await using door = await openDoor();
  assert.equal(await apply(door, 1), "weather-1-1");
  const first = await deployment(door, "weather-1-1");
  assert.deepEqual(
    [first.spec.from, first.spec.to, first.spec.generation, first.spec.strategy.kind, first.status.phase],
    [null, "weather-1", 1, "rolling", "Pending"],
  );
  assert.equal((await server(door)).status.deployment, "weather-1-1");
  assert.equal(await apply(door, 1, { replicas: 3 }), null);
  await arrive(door, "weather-1-1");
  assert.equal(await apply(door, 2, { replicas: 3 }), "weather-2-1");
  const { spec } = await deployment(door, "weather-2-1");
  assert.deepEqual([spec.from, spec.to, spec.generation], ["weather-1", "weather-2", 3]);
});

test("a new server has its deployment from the answer to its creation on", async () => {
  await using door = await openDoor();
  const json = { metadata: { name: "weather" }, ...body(1) };
  const created = await door.ask("/api/v1/servers", { method: "POST", json });
  assert.deepEqual([created.status, created.headers.get("mcp-manager-deployment")], [201, "weather-1-1"]);
  assert.equal(((await created.json()) as Server).status.deployment, "weather-1-1");
  const dry = await door.ask(`${path}?dryRun=true`, { method: "PUT", json: body(2) });
  assert.deepEqual([dry.status, dry.headers.get("mcp-manager-deployment")], [200, null]);
});

test("a version that never served is no place to come from", async () => {
  await using door = await openDoor();
  await apply(door, 1);
  await put(door, "weather-1-1", { phase: "Failed", reason: "CannotStart" });
  await apply(door, 2);
  assert.equal((await deployment(door, "weather-2-1")).spec.from, null);
});

test("a new version in the middle of a deployment starts from the old stable one", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await put(door, "weather-3-1", { phase: "Progressing" });
  await apply(door, 4);
  assert.equal((await deployment(door, "weather-4-1")).spec.from, "weather-2");
  const late = await say(door, "weather-3-1", "promote");
  assert.deepEqual([late.status, late.body.code], [409, "failed_precondition"]);
  assert.match(late.body.detail, /weather-4-1/);
});

test("who moves traffic by an older status of the server is refused once there is a newer deployment", async () => {
  await using door = await withTwo();
  const old = await door.registry.resources(kinds.Server).read("weather");
  await apply(door, 3);
  assert.ok(old !== undefined);
  const transaction = door.registry.transaction();
  transaction.putStatus(kinds.Server, old, { ...old.resource.status, route: { stable: "weather-1", draining: [] } });
  assert.equal((await transaction.commit()).kind, "conflict");
});

test("numbers of revisions are not given twice, however many were forgotten in between", async () => {
  await using door = await withTwo();
  for (const version of [3, 4, 5]) await apply(door, version);
  await door.registry.resources(kinds.Revision).delete("weather-3");
  assert.equal(await apply(door, 6), "weather-6-1");
});

test("deploy changes the source alone, and asked for the same again it answers with the same", async () => {
  await using door = await withTwo();
  const source = { kind: "process", command: "npx", args: ["weather@3"] };
  const begun = await post(door, `${path}/deploy`, { source });
  assert.deepEqual([begun.status, begun.body.metadata.name, begun.body.spec.from], [202, "weather-3-1", "weather-2"]);
  const { spec } = await server(door);
  assert.deepEqual(spec.source.kind === "process" ? spec.source.args : [], ["weather@3"]);
  assert.equal((await post(door, `${path}/deploy`, { source })).body.metadata.name, "weather-3-1");
  await arrive(door, "weather-3-1");
  assert.equal((await post(door, `${path}/deploy`, { source })).body.metadata.name, "weather-3-1");
});

test("deploy with acceptBreaking takes the place of one that waits for it, to the same revision", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await put(door, "weather-3-1", { phase: "Paused", reason: "SchemaBreaking" });
  const { body: next } = await post(door, `${path}/deploy`, { acceptBreaking: true });
  assert.deepEqual(
    [next.metadata.name, next.spec.to, next.spec.from, next.spec.acceptBreaking, next.spec.acceptedBy],
    ["weather-3-2", "weather-3", "weather-2", true, "key:admin"],
  );
  assert.equal((await server(door)).status.deployment, "weather-3-2");
});

test("deploy by another strategy starts again what is under way, and is kept for the next otherwise", async () => {
  await using door = await withTwo();
  const strategy = { kind: "recreate" };
  assert.equal((await post(door, `${path}/deploy`, { strategy })).body.metadata.name, "weather-2-1");
  assert.equal((await server(door)).spec.strategy.kind, "recreate");
  await apply(door, 3);
  const { body: next } = await post(door, `${path}/deploy`, { strategy });
  assert.deepEqual([next.metadata.name, next.spec.strategy.kind], ["weather-3-2", "recreate"]);
});

test("a command that was not there is deployed by who may have one started", async () => {
  await using door = await withTwo();
  const ask = (json: object, role: "operator" | "viewer"): Promise<Response> =>
    door.ask(`${path}/deploy`, { method: "POST", json, role });
  assert.equal((await ask({ source: { kind: "process", command: "sh" } }, "operator")).status, 403);
  assert.equal((await ask({}, "viewer")).status, 403);
  assert.equal((await ask({ strategy: { kind: "recreate" } }, "operator")).status, 202);
  const wrong = await ask({ source: { kind: "process", comand: "sh" } }, "operator");
  assert.match(((await wrong.json()) as Problem).detail, /^deploy: .*source\.comand: .*did you mean command\?/);
});

test("a rollback is a deployment of its own to the revision before, and the spec says what that revision says", async () => {
  await using door = await withTwo();
  const back = await post(door, `${path}/rollback`);
  assert.deepEqual(
    [back.status, back.body.metadata.name, back.body.spec.from, back.body.spec.to, back.body.spec.rollback],
    [202, "weather-1-2", "weather-2", "weather-1", true],
  );
  const { spec, metadata, status } = await server(door);
  assert.deepEqual(spec.source.kind === "process" ? spec.source.args : [], ["weather@1"]);
  assert.deepEqual([metadata.generation, status.deployment], [3, "weather-1-2"]);
  const { items } = await door.registry.resources(kinds.Revision).list();
  assert.equal(items.length, 2);
  assert.equal(await apply(door, 1), null);
});

test("a rollback in the middle of a deployment goes back to the stable one by aborting it", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await put(door, "weather-3-1", { phase: "Progressing" });
  const { body: aborted } = await post(door, `${path}/rollback`);
  assert.deepEqual(
    [aborted.metadata.name, aborted.status.phase, aborted.status.reason],
    ["weather-3-1", "Aborting", "RolledBack"],
  );
  assert.equal(await apply(door, 2), null);
});

test("a rollback after one that went back by itself makes the spec agree with what serves", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await put(door, "weather-3-1", { phase: "Aborted", reason: "AnalysisFailed" });
  const { body: over } = await post(door, `${path}/rollback`);
  assert.deepEqual(
    [over.metadata.name, over.status.phase, over.status.reason],
    ["weather-3-1", "Aborted", "RolledBack"],
  );
  assert.equal(await apply(door, 2), null);
});

test("a rollback is refused to what never was stable, to what is unknown, and when there is nothing before", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await put(door, "weather-3-1", { phase: "Aborted", reason: "AbortedByUser" });
  const never = await post(door, `${path}/rollback`, { to: "weather-3" });
  assert.deepEqual([never.status, never.body.code], [409, "failed_precondition"]);
  assert.match(never.body.detail, /weather-3 .* was never stable/);
  assert.equal((await post(door, `${path}/rollback`, { to: "weather-9" })).status, 404);
  await using other = await openDoor();
  await apply(other, 1);
  await arrive(other, "weather-1-1");
  const first = await post(other, `${path}/rollback`);
  assert.deepEqual([first.status, first.body.code], [409, "failed_precondition"]);
  const present = await post(other, `${path}/rollback`, { to: "weather-1" });
  assert.match(present.body.detail, /runs weather-1 already/);
});

test("a retry is the next deployment to the same revision, of what was aborted or failed and nothing else", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  const early = await say(door, "weather-3-1", "retry");
  assert.deepEqual([early.status, early.body.code], [409, "failed_precondition"]);
  assert.match(early.body.detail, /in phase Pending/);
  await put(door, "weather-3-1", { phase: "Failed", reason: "CannotStart" });
  const again = await say(door, "weather-3-1", "retry");
  assert.deepEqual(
    [again.status, again.body.metadata.name, again.body.spec.to, again.body.status.phase],
    [202, "weather-3-2", "weather-3", "Pending"],
  );
  assert.equal((await say(door, "weather-3-1", "retry")).status, 409);
});

test("verbs change the status, and what is too late is a conflict with the phase", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  const paused = await say(door, "weather-3-1", "pause");
  assert.deepEqual([paused.status, paused.body.status.phase], [200, "Paused"]);
  assert.equal((await say(door, "weather-3-1", "resume")).body.status.phase, "Pending");
  assert.equal((await say(door, "weather-3-1", "promote", { full: true })).body.status.progress?.promoted, "full");
  await arrive(door, "weather-3-1", "Draining");
  const late = await say(door, "weather-3-1", "abort");
  assert.deepEqual([late.status, late.body.code], [409, "failed_precondition"]);
  assert.match(late.body.detail, /in phase Draining/);
  assert.equal((await say(door, "weather-9-1", "abort")).status, 404);
  assert.equal((await say(door, "weather-3-1", "promote", { all: true })).status, 400);
});

test("a verb that takes nothing refuses what it would not heed", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  for (const verb of ["pause", "resume", "abort", "retry"]) {
    const refused = await say(door, "weather-3-1", verb, { acceptBreaking: true });
    assert.deepEqual([refused.status, refused.body.code], [400, "invalid_argument"], verb);
  }
  assert.equal((await say(door, "weather-3-1", "pause", {})).status, 200);
});

test("of two people at once one wins, and the other hears of it or comes second", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  const verbs = ["abort", "pause", "promote", "abort", "pause"];
  const answers = await Promise.all(verbs.map((verb) => say(door, "weather-3-1", verb)));
  for (const { status, body: told } of answers) {
    if (status === 200) continue;
    assert.equal(status, 409);
    assert.ok(["conflict", "failed_precondition"].includes(told.code), told.code);
  }
  assert.ok(answers.some(({ status }) => status === 200));
  const { status } = await deployment(door, "weather-3-1");
  assert.ok(["Pending", "Paused", "Aborting"].includes(status.phase));
});

test("what the controller counts meanwhile is no reason to refuse a word", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  const deployments = door.registry.resources(kinds.Deployment);
  let elapsedMs = 0;
  const counting = (async () => {
    for (; elapsedMs < 40; elapsedMs += 1)
      await deployments.updateStatus("weather-3-1", ({ status }) => ({
        ...status,
        progress: { stalledMs: 0, ...status.progress, elapsedMs },
      }));
  })();
  const answers = await Promise.all([say(door, "weather-3-1", "promote"), counting]);
  assert.equal(answers[0].status, 200);
  assert.equal((await deployment(door, "weather-3-1")).status.progress?.promoted, "step");
});

test("lists are newest first, of one server and of all", async () => {
  await using door = await withTwo();
  await door.ask("/api/v1/servers/weather-2", { method: "PUT", json: body(1) });
  const names = async (where: string): Promise<readonly string[]> =>
    ((await door.read(where)) as unknown as List<Deployment>).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names(`${path}/deployments`), ["weather-2-1", "weather-1-1"]);
  assert.deepEqual(await names("/api/v1/servers/weather-2/deployments"), [deploymentName("weather-2-1", 1)]);
  assert.equal((await names("/api/v1/deployments")).length, 3);
  assert.equal((await door.ask("/api/v1/servers/none/deployments")).status, 404);
  const read = await door.ask("/api/v1/deployments/weather-2-1", { role: "viewer" });
  assert.deepEqual([read.status, ((await read.json()) as Deployment).kind], [200, "Deployment"]);
  // Who reads that traffic has gone over finds it so.
  assert.deepEqual(door.followed, ["weather"]);
  assert.equal((await door.ask("/api/v1/deployments/Nothing.Such")).status, 404);
});

test("revisions are compared by what runs and by what clients see, without showing secrets", async () => {
  await using door = await withTwo();
  await door.ask(path, {
    method: "PUT",
    json: { spec: { source: { kind: "process", command: "npx", args: ["weather@2"], env: { TOKEN: "s3cret" } } } },
  });
  for (const revision of [2, 3]) {
    const spec = { server: "weather", digest: `sha256:${revision}`, text: "{}", ttlMs: 0 };
    await door.registry.resources(kinds.Catalogue).create({ name: `weather-${revision}`, spec });
  }
  const shown = async (query: string, role: "admin" | "viewer"): Promise<RevisionDiff> =>
    (await (await door.ask(`${path}/diff${query}`, { role })).json()) as RevisionDiff;
  const diff = await shown("", "admin");
  assert.deepEqual([diff.from, diff.to, diff.schema?.class], ["weather-2", "weather-3", "additive"]);
  assert.deepEqual(diff.spec, [{ path: "source.env.TOKEN", to: "s3cret" }]);
  assert.deepEqual((await shown("", "viewer")).spec, [{ path: "source.env.TOKEN", to: "(hidden)" }]);
  const older = await shown("?from=weather-1&to=weather-2", "viewer");
  assert.deepEqual(older.spec, [{ path: "source.args", from: ["weather@1"], to: ["weather@2"] }]);
  assert.equal(older.schema, undefined);
  assert.equal((await door.ask(`${path}/diff?from=weather-7`)).status, 404);
});

test("nothing is begun for a server that is being deleted", async () => {
  await using door = await withTwo();
  await apply(door, 3);
  await door.ask(path, { method: "DELETE" });
  for (const where of [`${path}/deploy`, `${path}/rollback`, "/api/v1/deployments/weather-3-1/promote"]) {
    const { status, body: problem } = await post(door, where);
    assert.deepEqual([status, problem.code], [409, "failed_precondition"], where);
  }
});
