/**
 * What was begun at a version that goes: it is finished there while the version drains, and whoever comes later, or is not done, is told so
 * in so many words. Rows D3, D4 and D5.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../e2e/testing/manager.ts";
import { processesWith } from "../e2e/testing/processes.ts";
import { reaches } from "../e2e/testing/releases.ts";
import { codeOf } from "./testing/ledger.ts";
import { Scenario, type ServerPlan } from "./testing/scenario.ts";
import { Begun, bring, say, version } from "./testing/versions.ts";

let scenario: Scenario;

before(async () => {
  scenario = await Scenario.start({ servers: {}, settings: { agent: { spares: 0 } } });
});
after(() => scenario.finish());

/** Everybody is on the next version until somebody says more. */
const strategy = { kind: "canary", steps: [{ weight: 100 }], analysis: [] };

function planOf(era: "legacy" | "modern", number: number, drainTimeout: string): ServerPlan {
  return { era, version: number, spec: { strategy, deployment: { drainTimeout } } };
}

/** New work goes to the second version. */
async function isNext(server: string, name: string): Promise<void> {
  await reaches(scenario.manager, name, "Paused");
  await until(`${server} answers as version 2`, async () => (await version(scenario, server)) === "2");
}

function patient(plan: ServerPlan): ServerPlan {
  return { ...plan, spec: { ...plan.spec, limits: { callTimeout: "1h" } } };
}

/** Nothing of a version runs any more. */
function gone(server: string, number: number): Promise<void> {
  const named = `"name":"${server}"`;
  return until(`version ${number} of ${server} is gone`, async () =>
    processesWith(scenario.tag, named).every((pid) => !processesWith(`"version":${number}`).includes(pid)),
  );
}

describe("while a version drains", { concurrency: true }, () => {
  for (const era of ["legacy", "modern"] as const) {
    test(`D3 a call of an hour and a task at a ${era} server are waited for until the deadline, and not for ever`, async () => {
      const server = `long-${era}`;
      const plan = patient(planOf(era, 1, "2s"));
      await reaches(scenario.manager, await bring(scenario, server, plan), "Completed");
      const clients = [await scenario.client(`old-${era}`, "legacy"), await scenario.client(`new-${era}`, "modern")];
      const calls = clients.map((client) => client.call(server, "sleep", { ms: 3_600_000 }, { deadlineMs: 12_000 }));
      const begun = await Begun.at(scenario, server, era, 0);
      await until("they are being executed", async () => scenario.executedCalls(server) === calls.length + 2);
      const name = await bring(scenario, server, { ...plan, version: 2 });
      await isNext(server, name);
      await say(scenario, name, "promote");
      await reaches(scenario.manager, name, "Draining");
      assert.deepEqual([await begun.inSession(), await begun.poll()], ["1", "at 1"]);
      await reaches(scenario.manager, name, "Completed");
      await isOver(begun);
      // What is in flight has half as long again.
      for (const ending of await Promise.all(calls))
        assert.equal(codeOf(ending), "unavailable", JSON.stringify(ending));
      await gone(server, 1);
      for (const client of clients) client.reset();
      for (const client of clients) assert.equal(await client.text(server, "which"), "2");
    });

    test(`D4 D5 what began at a ${era} server goes on there through a promotion, until its time is over`, async () => {
      const server = `up-${era}`;
      await reaches(scenario.manager, await bring(scenario, server, planOf(era, 1, "6s")), "Completed");
      const begun = await Begun.at(scenario, server, era, 3);
      const name = await bring(scenario, server, planOf(era, 2, "6s"));
      await isNext(server, name);
      await using watch = watched(server);
      assert.equal(await begun.fill(), "ada at 1");
      await say(scenario, name, "promote");
      await reaches(scenario.manager, name, "Draining");
      assert.deepEqual([await begun.inSession(), await begun.fill(), await begun.poll()], ["1", "ada at 1", "at 1"]);
      await reaches(scenario.manager, name, "Completed");
      await isOver(begun);
      assert.equal(await begun.inSession(), "2");
      await gone(server, 1);
      assert.equal(await begun.fill(), tooLate[era]);
      assert.deepEqual(await watch.stop(), ["2"]);
    });

    test(`D4 D5 what began at a ${era} server goes on there through an abort, until its time is over`, async () => {
      const server = `back-${era}`;
      await reaches(scenario.manager, await bring(scenario, server, planOf(era, 1, "2s")), "Completed");
      const name = await bring(scenario, server, planOf(era, 2, "2s"));
      await isNext(server, name);
      const begun = await Begun.at(scenario, server, era, 2);
      await using watch = watched(server);
      await until("the client has seen it", async () => watch.seen.length > 0);
      await say(scenario, name, "abort");
      assert.deepEqual([await begun.inSession(), await begun.fill(), await begun.poll()], ["2", "ada at 2", "at 2"]);
      await reaches(scenario.manager, name, "Aborted");
      await isOver(begun);
      assert.equal(await begun.inSession(), "1");
      await gone(server, 2);
      assert.equal(await begun.fill(), tooLate[era]);
      assert.deepEqual(await watch.stop(), ["2", "1"]);
    });

    test(`D3 a call of an hour at a ${era} server is cut off half a minute after an abort, whatever drainTimeout is`, async () => {
      const server = `cut-${era}`;
      const plan = patient(planOf(era, 1, "10m"));
      await reaches(scenario.manager, await bring(scenario, server, plan), "Completed");
      const name = await bring(scenario, server, { ...plan, version: 2 });
      await isNext(server, name);
      const clients = [
        await scenario.client(`cut-old-${era}`, "legacy"),
        await scenario.client(`cut-new-${era}`, "modern"),
      ];
      const asked = scenario.executedCalls(server);
      const calls = clients.map((client) => client.call(server, "sleep", { ms: 3_600_000 }, { deadlineMs: 45_000 }));
      await until("they are being executed", async () => scenario.executedCalls(server) === asked + calls.length);
      await say(scenario, name, "abort");
      await reaches(scenario.manager, name, "Aborting");
      for (const ending of await Promise.all(calls))
        assert.equal(codeOf(ending), "unavailable", JSON.stringify(ending));
      await reaches(scenario.manager, name, "Aborted");
      await gone(server, 2);
      for (const client of clients) client.reset();
      for (const client of clients) assert.equal(await client.text(server, "which"), "1");
    });

    test(`D5 a task at a ${era} server goes on through an abort to its own end, after sessions have ended there`, async () => {
      const server = `task-${era}`;
      await reaches(scenario.manager, await bring(scenario, server, planOf(era, 1, "10m")), "Completed");
      const name = await bring(scenario, server, planOf(era, 2, "10m"));
      await isNext(server, name);
      const begun = await Begun.at(scenario, server, era, 0);
      await say(scenario, name, "abort");
      await reaches(scenario.manager, name, "Aborted");
      await until("its session is over", async () => (await begun.inSession()) === "404");
      await begun.initializeAgain();
      assert.deepEqual([await begun.inSession(), await begun.poll()], ["1", "at 2"]);
      await begun.cancel();
      assert.equal(await begun.poll(), "cancelled at 2");
      await gone(server, 2);
      assert.equal(await begun.poll(), "-32602 EXPIRED");
    });
  }
});

/**
 * Whoever fills in a form when its version is gone: what a modern server asked has no one to go on with it; a legacy server's call was still
 * under way, and whether it was carried out nobody knows.
 */
const tooLate = { modern: "-32602 EXPIRED", legacy: "503 unavailable" };

/** Its session is 404, and then what it waits for has expired. */
async function isOver(begun: Begun): Promise<void> {
  // Calls follow what stands in the store a moment later.
  await until("its session is over", async () => (await begun.inSession()) === "404");
  await begun.initializeAgain();
  assert.equal(await begun.poll(), "-32602 EXPIRED");
}

interface Watch extends AsyncDisposable {
  /** The versions that a client which keeps nothing was sent to, one after the other. */
  readonly seen: readonly string[];
  stop(): Promise<readonly string[]>;
}

function watched(server: string): Watch {
  const seen: string[] = [];
  let isStopped = false;
  const look = async (): Promise<boolean> => {
    const now = await version(scenario, server);
    if (seen.at(-1) !== now) seen.push(now);
    return isStopped;
  };
  const running = until(`nobody watches ${server} any more`, look);
  const stop = async (): Promise<readonly string[]> => {
    isStopped = true;
    await running;
    return seen;
  };
  return { seen, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
