/** Who goes where while two versions of a server serve, and what people make of it: comparisons, previews, and the words they say. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startManager, type ManagerProcess, until } from "./testing/manager.ts";
import { sendModern } from "./testing/modern.ts";
import { Caller, type CallerOptions } from "./testing/release-caller.ts";
import {
  api,
  apply,
  deploy,
  deploymentOf,
  reaches,
  type Release,
  releaseSource,
  serverOf,
} from "./testing/releases.ts";

let manager: ManagerProcess;

before(async () => {
  manager = await startManager({ config: JSON.stringify({ agent: { spares: 0 } }) });
});
after(() => manager[Symbol.asyncDispose]());

const deployment = { drainTimeout: "1s" };
const quick = { strategy: { kind: "blue-green", scaleDownDelay: "0s" }, deployment };

async function first(server: string, spec: object = quick, release: Release = { version: 1 }): Promise<void> {
  await reaches(manager, await deploy(manager, server, release, spec), "Completed");
}

/** The version that the admin is answered by. */
async function version(server: string, path = `/servers/${server}/mcp`): Promise<readonly (number | undefined)[]> {
  return (await Caller.open(manager, { path })).sees();
}

/** Resolves when some of them are shown the second version: the route is followed a moment after it stands in the store. */
async function comesTo(callers: readonly Caller[]): Promise<void> {
  await until("some see the next version", async () => {
    const shown = await Promise.all(callers.map((caller) => caller.tools()));
    return shown.some((tools) => tools.includes("added_2"));
  });
}

async function say(name: string, verb: string, body?: object): Promise<void> {
  const { status, json } = await api(manager, "POST", `deployments/${name}/${verb}`, body);
  assert.equal(status, verb === "retry" ? 202 : 200, JSON.stringify(json));
}

test("a comparison sends who matches to the next version, everybody else stays, and nobody decides but people", async () => {
  const strategy = {
    kind: "ab",
    variants: [
      { revision: "current", weight: 100 },
      { revision: "next", weight: 0 },
    ],
    match: [{ client: "trial-*" }, { principal: { name: "key:chosen-*" } }, { header: { "X-Cohort": "beta*" } }],
  };
  await first("matched", { strategy, deployment });
  const name = await deploy(manager, "matched", { version: 2 }, { strategy, deployment });
  await reaches(manager, name, "Progressing");
  const path = "/servers/matched/mcp";
  const chosen: Readonly<Record<string, Omit<CallerOptions, "path">>> = {
    "by-client": { client: "trial-inspector" },
    "chosen-one": {},
    "by-header": { headers: { "x-cohort": "beta-7" } },
  };
  const others: typeof chosen = {
    "not-chosen": { client: "wire" },
    "by-other-header": { headers: { "x-cohort": "no" } },
  };
  const open = (ones: typeof chosen, era: "legacy" | "modern"): Promise<readonly Caller[]> =>
    Promise.all(
      Object.entries(ones).map(([who, more]) => Caller.named(manager, `${who}-${era}`, { ...more, path, era })),
    );
  const next = [...(await open(chosen, "legacy")), ...(await open(chosen, "modern"))];
  const current = [...(await open(others, "legacy")), ...(await open(others, "modern"))];
  await comesTo(next);
  for (let round = 0; round < 3; round++) {
    for (const caller of next) assert.deepEqual(await caller.sees(), [2, 2]);
    for (const caller of current) assert.deepEqual(await caller.sees(), [1, 1]);
  }
  await until("the results of both are shown", async () => {
    const [one, two] = (await deploymentOf(manager, name)).status.variants ?? [];
    return one?.revision === "matched-1" && two?.revision === "matched-2" && one.requests >= 12 && two.requests >= 18;
  });
  assert.equal((await deploymentOf(manager, name)).status.phase, "Progressing");
  await say(name, "promote", { full: true });
  await reaches(manager, name, "Completed");
  assert.deepEqual(await version("matched"), [2, 2]);
});

test("who matches nothing goes by the weights; the worse variant is shown, and stays until somebody aborts", async () => {
  const strategy = { kind: "ab" };
  const spec = { strategy, deployment, breaker: { enabled: false } };
  await first("weighed", spec);
  const name = await deploy(manager, "weighed", { version: 2, fails: 10 }, spec);
  await reaches(manager, name, "Progressing");
  const path = "/servers/weighed/mcp";
  const callers = await Promise.all(
    Array.from({ length: 16 }, (_, at) => Caller.named(manager, `weighed-${at}`, { path })),
  );
  await comesTo(callers);
  const seen = await Promise.all(callers.map((caller) => caller.sees()));
  // The second version fails what it is asked, so that its calls tell no version.
  for (const [list, call] of seen) assert.equal(call, list === 1 ? 1 : undefined);
  assert.deepEqual(new Set(seen.map(([list]) => list)), new Set([1, 2]));
  assert.deepEqual(await Promise.all(callers.map((caller) => caller.sees())), seen, "nobody changes sides");
  await until("one fares worse", async () => {
    const [one, two] = (await deploymentOf(manager, name)).status.variants ?? [];
    return one?.errorRate === 0 && one.p95Ms !== undefined && (two?.errorRate ?? 0) > 0.3;
  });
  const { status } = await deploymentOf(manager, name);
  assert.deepEqual([status.phase, status.traffic.target], ["Progressing", 50]);
  await say(name, "abort");
  await reaches(manager, name, "Aborted");
  for (const caller of callers) assert.deepEqual(await caller.sees(), [1, 1]);
  assert.equal((await serverOf(manager, "weighed")).status.state, "ready", "what a person asked for is no fault");
});

test("a revision with ready replicas is there under its own name, for who may see revisions", async () => {
  const strategy = { kind: "blue-green", autoPromote: false, scaleDownDelay: "0s" };
  await first("shown", { strategy, deployment });
  const name = await deploy(manager, "shown", { version: 2 }, { strategy, deployment });
  await reaches(manager, name, "Paused");
  const named = (revision: string): Readonly<Record<string, string>> => ({ "mcp-manager-revision": revision });
  for (const era of ["legacy", "modern"] as const) {
    for (const at of [1, 2]) {
      const byPath = await Caller.open(manager, { path: `/servers/shown@shown-${at}/mcp`, era });
      assert.deepEqual(await byPath.sees(), [at, at], `${era} by path`);
      const answer = await byPath.call("which");
      assert.equal(answer.headers.get("mcp-manager-revision"), `shown-${at}`);
      const byHeader = await Caller.open(manager, { path: "/servers/shown/mcp", headers: named(`shown-${at}`), era });
      assert.deepEqual(await byHeader.sees(), [at, at], `${era} by header`);
    }
    assert.deepEqual(await (await Caller.open(manager, { path: "/servers/shown/mcp", era })).sees(), [1, 1]);
  }
  const all = await Caller.open(manager, { path: "/mcp", headers: named("shown-2") });
  assert.match((await all.call("shown__which")).text, /"2"/);

  const stranger = await Caller.named(manager, "stranger", { path: "/servers/shown@shown-2/mcp" });
  const key = (await manager.client.apiKeys.create({ metadata: { name: "lost" }, spec: { roles: ["caller"] } })).key;
  const unknown = await sendModern(manager, "tools/list", {}, { path: "/servers/nowhere@nowhere-2/mcp", key });
  const refused = await stranger.send("tools/list");
  assert.deepEqual([refused.status, refused.text], [unknown.status, unknown.text.replaceAll("nowhere", "shown")]);
  const byHeader = await sendModern(
    manager,
    "tools/call",
    { name: "which", arguments: {} },
    { path: "/servers/shown/mcp", key, headers: named("shown-2") },
  );
  assert.equal(byHeader.status, refused.status);
  const plain = await Caller.open(manager, { path: "/servers/shown/mcp", key });
  assert.deepEqual(await plain.sees(), [1, 1]);
  assert.equal((await plain.call("which")).headers.get("mcp-manager-revision"), null);

  await say(name, "abort");
  await reaches(manager, name, "Aborted");
  await until("its preview is closed", async () => {
    const admins = await sendModern(manager, "tools/list", {}, { path: "/servers/shown@shown-2/mcp" });
    return admins.status === unknown.status && admins.text === refused.text;
  });
  assert.deepEqual(await version("shown", "/servers/shown@shown-1/mcp"), [1, 1], "the stable one's is open");
});

test("a preview that fails all it is asked is nobody's trouble but of who looks at it", async () => {
  const strategy = { kind: "blue-green", autoPromote: false };
  await first("trial", { strategy, deployment });
  const name = await deploy(manager, "trial", { version: 2, fails: 10 }, { strategy, deployment });
  await reaches(manager, name, "Paused");
  const tester = await Caller.open(manager, { path: "/servers/trial@trial-2/mcp" });
  await until("its breaker is open", async () => (await tester.call("which")).status === 503);
  for (let at = 0; at < 5; at++) assert.deepEqual(await version("trial"), [1, 1]);
  assert.equal((await serverOf(manager, "trial")).status.breaker, "closed");
});

test("a canary that fails all it is asked is found to be bad, whatever its breaker does, and its share alone is hurt", async () => {
  const strategy = {
    kind: "canary",
    steps: [{ weight: 50, pause: "60s" }],
    analysis: [{ name: "error-rate", interval: "500ms", minSamples: 40 }],
  };
  await first("hopeless", { strategy, deployment });
  const name = await deploy(manager, "hopeless", { version: 2, fails: 10 }, { strategy, deployment });
  const path = "/servers/hopeless/mcp";
  const callers = await Promise.all(
    Array.from({ length: 16 }, (_, at) => Caller.named(manager, `hopeless-${at}`, { path })),
  );
  await comesTo(callers);
  const seen: (readonly (number | undefined)[])[] = [];
  await until("it goes back by itself", async () => {
    seen.push(...(await Promise.all(callers.map((caller) => caller.sees()))));
    const { status } = await deploymentOf(manager, name);
    return status.phase === "Aborted" && status.reason === "AnalysisFailed";
  });
  assert.ok(seen.some(([list]) => list === 2));
  assert.deepEqual(
    seen.filter(([list, call]) => list === 1 && call !== 1),
    [],
  );
});

test("a step that is paused stands still while its time would have run out, and goes on when it is resumed", async () => {
  const steps = [
    { weight: 30, pause: "3s" },
    { weight: 60, pause: "100ms" },
  ];
  const spec = { strategy: { kind: "canary", steps, analysis: [] }, deployment };
  await Promise.all([first("halted", spec), first("going", spec)]);
  const name = await deploy(manager, "halted", { version: 2 }, spec);
  await until("it is at its first step", async () => (await deploymentOf(manager, name)).status.traffic.target === 30);
  await say(name, "pause");
  // One that began later has gone all the way meanwhile.
  await reaches(manager, await deploy(manager, "going", { version: 2 }, spec), "Completed");
  const { status } = await deploymentOf(manager, name);
  assert.deepEqual([status.phase, status.reason, status.step?.index], ["Paused", "PausedByUser", 1]);
  assert.match(status.message ?? "", /paused it: resume it/);
  assert.equal(status.traffic.target, 30);
  assert.equal((await serverOf(manager, "halted")).status.route?.next?.weight, 30);
  await say(name, "resume");
  await reaches(manager, name, "Completed");
  assert.deepEqual(await version("halted"), [2, 2]);
});

test("a rolling update that is paused keeps what it has of both, and all of them answer", async () => {
  const spec = { replicas: 3, strategy: { kind: "rolling", minReady: "2s" }, deployment };
  await first("mixed", spec);
  const name = await deploy(manager, "mixed", { version: 2 }, spec);
  await until("one is replaced", async () => (await deploymentOf(manager, name)).status.traffic.target === 33);
  await say(name, "pause");
  const { status } = await reaches(manager, name, "Paused");
  const { from, to } = status.replicas;
  assert.ok(from.ready >= 1 && to.ready >= 1 && from.ready + to.ready >= 3, JSON.stringify(status.replicas));
  for (let at = 0; at < 6; at++) {
    const [list, call] = await (await Caller.named(manager, `mixed-${at}`, { path: "/servers/mixed/mcp" })).sees();
    assert.ok(list !== undefined && list === call, `${list} ${call}`);
  }
  await say(name, "resume");
  await reaches(manager, name, "Completed");
  assert.deepEqual((await serverOf(manager, "mixed")).status.replicas, { desired: 3, ready: 3 });
});

test("promote is one step on, with full all of them", async () => {
  const steps = [{ weight: 10 }, { weight: 50 }, { weight: 70 }];
  const spec = { strategy: { kind: "canary", steps, analysis: [] }, deployment };
  await first("stepwise", spec);
  const name = await deploy(manager, "stepwise", { version: 2 }, spec);
  for (const index of [1, 2]) {
    await until(`it waits at step ${index}`, async () => {
      const { phase, reason, step } = (await deploymentOf(manager, name)).status;
      return phase === "Paused" && reason === "AwaitingPromotion" && step?.index === index;
    });
    const { status } = await deploymentOf(manager, name);
    assert.deepEqual(
      [status.step?.weight, status.traffic.target],
      [steps[index - 1]?.weight, steps[index - 1]?.weight],
    );
    await say(name, "promote", index === 1 ? {} : { full: true });
  }
  await reaches(manager, name, "Completed");
  assert.deepEqual(await version("stepwise"), [2, 2]);
});

test("what does not run otherwise applies at once and begins nothing, also in the middle of a deployment", async () => {
  const spec = { strategy: { kind: "canary", steps: [{ weight: 50 }], analysis: [] }, deployment };
  await first("named", spec);
  const renamed = { tools: { override: { echo: { name: "repeat" } } } };
  const one = { ...spec, source: releaseSource({ version: 1 }), limits: { concurrency: 9 } };
  assert.equal(await apply(manager, "named", one), null);
  const name = await deploy(manager, "named", { version: 2 }, { ...spec, limits: { concurrency: 9 } });
  await reaches(manager, name, "Paused");
  const two = { ...spec, source: releaseSource({ version: 2 }), limits: { concurrency: 7 }, expose: renamed };
  assert.equal(await apply(manager, "named", two), null);
  const callers = await Promise.all(
    [1, 2].map((at) => Caller.open(manager, { path: `/servers/named@named-${at}/mcp` })),
  );
  await until("both have the new name", async () => {
    const names = await Promise.all(callers.map((caller) => caller.tools()));
    return names.every((own) => own.includes("repeat") && !own.includes("echo"));
  });
  const server = await serverOf(manager, "named");
  assert.equal(server.spec.limits.concurrency, 7);
  assert.equal(server.status.deployment, name);
  assert.deepEqual((await manager.client.servers.deployments("named")).items.length, 2);
  await say(name, "promote");
  await reaches(manager, name, "Completed");
  assert.deepEqual((await serverOf(manager, "named")).status.revision, "named-2");
});
