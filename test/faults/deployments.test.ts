/**
 * A canary that goes wrong while it has traffic, and a manager that is killed in the middle of one. Rows D1 and M1; what was begun at a
 * version that goes is in draining.test.ts, a provider of measurements that is down in controller/rollout.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Deployment } from "@mcp-manager/api";
import { until } from "../e2e/testing/manager.ts";
import { isAlive } from "../e2e/testing/processes.ts";
import { deploymentOf, reaches, serverOf } from "../e2e/testing/releases.ts";
import { type FaultClient, meanwhile, resultOf, textOf } from "./testing/ledger.ts";
import { inScenario, type Scenario, type ServerPlan } from "./testing/scenario.ts";
import { bring, say } from "./testing/versions.ts";

const settings = { agent: { spares: 0 } };
const deployment = { drainTimeout: "1s" };

/** A version whose canary goes by these steps. */
function planOf(version: number, steps: readonly object[], analysis?: readonly object[]): ServerPlan {
  const strategy = { kind: "canary", steps, ...(analysis === undefined ? {} : { analysis }) };
  return { version, spec: { strategy, deployment } };
}

/** A new client that is sent to this version; those who come before it and are sent elsewhere leave. */
async function clientOf(scenario: Scenario, era: "legacy" | "modern", version: string): Promise<FaultClient> {
  for (let at = 0; at < 64; at += 1) {
    const client = await scenario.client(`${era}-${version}-${at}`, era);
    if ((await client.text("s", "which")) === version) return client;
    await client.leave();
  }
  throw new Error(`of 64 clients nobody is sent to version ${version}`);
}

interface Sides {
  readonly stable: readonly FaultClient[];
  readonly canary: FaultClient;
}

/** The canary's comes first: that there is one shows that calls follow the weight by now. */
async function sidesOf(scenario: Scenario): Promise<Sides> {
  const canary = await clientOf(scenario, "modern", "2");
  const stable = [await clientOf(scenario, "legacy", "1"), await clientOf(scenario, "modern", "1")];
  return { stable, canary };
}

/** What each client is told until `work` is over; that a call fails is told as well. */
async function toldDuring(clients: readonly FaultClient[], work: Promise<unknown>): Promise<ReadonlySet<string>> {
  const told = new Set<string>();
  await Promise.all(
    clients.map((client) =>
      meanwhile(work, async () => {
        const ending = await client.call("s", "which");
        told.add(resultOf(ending) === undefined ? JSON.stringify(ending) : textOf(ending));
      }),
    ),
  );
  return told;
}

/** Resolves when a deployment is at this step, with the weight of it. */
async function isAt(scenario: Scenario, name: string, index: number, phase = "Progressing"): Promise<void> {
  await until(`${name} is at step ${index}, ${phase}`, async () => {
    const { status } = await deploymentOf(scenario.manager, name);
    return status.phase === phase && status.step?.index === index && status.traffic.target === status.step.weight;
  });
}

/** The processes of a version. */
async function processesOf({ manager }: Scenario, version: number): Promise<readonly number[]> {
  const { items } = await manager.client.servers.replicas("s");
  return items.flatMap(({ spec, status: { pid } }) =>
    spec.revision === `s-${version}` && pid !== undefined ? pid : [],
  );
}

/** The canary's processes end here and now. */
async function crashed(scenario: Scenario): Promise<void> {
  for (const pid of await processesOf(scenario, 2)) if (isAlive(pid)) process.kill(pid, "SIGKILL");
}

/**
 * When it is `hurt`, it ends with all traffic where it was and says why; whoever was on the stable version never notices, and what is mended
 * goes through.
 */
async function goesBack(scenario: Scenario, name: string, reason: string, hurt: () => Promise<void>): Promise<void> {
  const { stable, canary } = await sidesOf(scenario);
  const ended = hurt().then(() => reaches(scenario.manager, name, "Aborted", "Failed", "Completed"));
  const told = await toldDuring(stable, ended);
  const { status } = await ended;
  assert.deepEqual([status.phase, status.reason], ["Aborted", reason], status.message ?? "");
  assert.deepEqual([...told], ["1"]);
  const server = await serverOf(scenario.manager, "s");
  assert.deepEqual([server.status.state, server.status.traffic], ["degraded", [{ revision: "s-1", weight: 100 }]]);
  assert.equal(await canary.text("s", "which"), "1");
  await until("nothing of it is left", async () => (await processesOf(scenario, 2)).length === 0);
  const mended = { version: 3, spec: { strategy: { kind: "rolling", minReady: "0s" }, deployment } };
  await reaches(scenario.manager, await bring(scenario, "s", mended), "Completed");
  assert.equal(await canary.text("s", "which"), "3");
}

describe("a canary", { concurrency: true }, () => {
  const crash = [{ name: "crash", interval: "100ms" }];
  const rest = { weight: 50, pause: "1h" };
  for (const [place, steps, index, phase] of [
    ["its first step", [rest], 1, "Progressing"],
    ["its second step", [{ weight: 1, pause: "100ms" }, rest], 2, "Progressing"],
    ["a pause", [{ weight: 50 }], 1, "Paused"],
  ] as const) {
    test(`D1 whose process exits at ${place} goes back by itself, and who was not on it notices nothing`, async () => {
      await inScenario({ servers: { s: planOf(1, steps) }, settings }, async (scenario) => {
        const name = await bring(scenario, "s", planOf(2, steps, crash));
        await isAt(scenario, name, index, phase);
        await goesBack(scenario, name, "AnalysisFailed", () => crashed(scenario));
      });
    });
  }

  test("D1 that crashes all the time goes back by itself, and who was not on it notices nothing", async () => {
    await inScenario({ servers: { s: planOf(1, [rest]) }, settings }, async (scenario) => {
      const name = await bring(scenario, "s", planOf(2, [rest], []));
      await isAt(scenario, name, 1);
      const isOver = async (): Promise<boolean> => {
        await crashed(scenario);
        return (await deploymentOf(scenario.manager, name)).status.phase !== "Progressing";
      };
      await goesBack(scenario, name, "CrashLoop", () => until("it crashes no more", isOver));
    });
  });

  test("D1 that nobody calls is no success: it waits for a person, again and again", async () => {
    const steps = [{ weight: 50, pause: "500ms" }];
    await inScenario({ servers: { s: planOf(1, steps) }, settings }, async (scenario) => {
      const name = await bring(scenario, "s", planOf(2, steps));
      for (const verb of ["resume", "abort"]) {
        const { status } = await reaches(scenario.manager, name, "Paused", "Promoting", "Completed", "Aborted");
        assert.deepEqual([status.phase, status.reason, status.traffic.target], ["Paused", "Inconclusive", 50]);
        const found = new Map(status.analysis?.map((rule) => [rule.name, rule.result]));
        assert.deepEqual([found.get("error-rate"), found.get("crash")], ["inconclusive", "successful"]);
        await say(scenario, name, verb);
      }
      const { status } = await reaches(scenario.manager, name, "Aborted");
      assert.equal(status.reason, "AbortedByUser");
    });
  });

  test("M1 whose manager is killed in mid-step goes on at that step, where its time was, with everybody where they were", async () => {
    const steps = [
      { weight: 40, pause: "9s" },
      { weight: 60, pause: "1h" },
    ];
    await inScenario({ servers: { s: planOf(1, steps) }, settings }, async (scenario) => {
      const name = await bring(scenario, "s", planOf(2, steps, []));
      await isAt(scenario, name, 1);
      const { stable, canary } = await sidesOf(scenario);
      let before: Deployment | undefined;
      await until("some of its time is written", async () => {
        before = await deploymentOf(scenario.manager, name);
        return elapsedMs(before) > 0;
      });
      assert.ok(before);
      await scenario.restart("SIGKILL");
      const after = await deploymentOf(scenario.manager, name);
      assert.deepEqual(placeOf(after), placeOf(before));
      assert.ok(elapsedMs(after) >= elapsedMs(before), "its time does not begin anew");
      for (const client of stable) assert.equal(await answerTo(client), "1");
      assert.equal(await answerTo(canary), "2");
      let last = after;
      await until("it is at its second step", async () => {
        const now = await deploymentOf(scenario.manager, name);
        const isLater = now.status.step?.index !== last.status.step?.index;
        assert.ok(now.status.traffic.target >= last.status.traffic.target, "weights only grow");
        assert.ok(isLater || elapsedMs(now) >= elapsedMs(last), "time goes on");
        last = now;
        return now.status.step?.index === 2 && now.status.traffic.target === 60;
      });
      assert.equal(await canary.text("s", "which"), "2");
      await scenario.restart("SIGKILL");
      assert.deepEqual(placeOf(await deploymentOf(scenario.manager, name)), placeOf(last));
      await say(scenario, name, "promote");
      await reaches(scenario.manager, name, "Completed");
      await scenario.takeBaseline();
    });
  });
});

/** The first answer that a client is given, after a restart. */
async function answerTo(client: FaultClient): Promise<string> {
  let answer = "";
  await until(`${client.name} is answered`, async () => (answer = await client.text("s", "which")) !== "");
  return answer;
}

function elapsedMs({ status }: Deployment): number {
  return status.progress?.elapsedMs ?? 0;
}

/** Where it stands: phase, step with its weight and the moment it began, and the weight that holds. */
function placeOf({ status: { phase, step, traffic } }: Deployment): unknown {
  return [phase, step, traffic.target];
}
