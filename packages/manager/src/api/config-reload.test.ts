import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, parseServer } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import type { PassingEvent } from "../events/event.ts";
import { ConfigReload } from "./config-reload.ts";
import type { Admission } from "./configured.ts";
import type { ConfiguredServer, FileReading } from "./file-reading.ts";

interface Rig extends AsyncDisposable {
  readonly reload: ConfigReload;
  readonly clock: ManualClock;
  readonly events: PassingEvent[];
  /** What the file says from now on; an error where it is wrong. */
  file: FileReading | ManagerError | undefined;
  /** What applying comes to, one after the other; the last stays. */
  outcomes: (readonly Admission[] | ManagerError)[];
  /** Names of the servers of each attempt to apply. */
  readonly applied: string[];
  /** Resolves when all that can be done without time passing is done. */
  settled(): Promise<void>;
}

function rig(): Rig {
  const clock = new ManualClock(0);
  const events: PassingEvent[] = [];
  const applied: string[] = [];
  const told = { file: undefined as Rig["file"], outcomes: [[]] as Rig["outcomes"] };
  const reload = new ConfigReload({
    file: {
      name: "servers.yaml",
      read: () => (told.file instanceof ManagerError ? Promise.reject(told.file) : Promise.resolve(told.file)),
    },
    admit: (servers) => {
      applied.push(servers.map(({ draft }) => draft.name).join(" "));
      const outcome = (told.outcomes.length > 1 ? told.outcomes.shift() : told.outcomes[0]) ?? [];
      return outcome instanceof ManagerError ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    admitted: [],
    events: { publish: (event) => void events.push(event) },
    clock,
    random: seededRandom(1),
  });
  return Object.assign(told, {
    reload,
    clock,
    events,
    applied,
    async settled() {
      for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    },
    async [Symbol.asyncDispose]() {
      await reload[Symbol.asyncDispose]();
      assert.equal(clock.pendingCount, 0);
    },
  });
}

function reading(names: string, restart: readonly string[] = []): FileReading {
  const servers = names.split(" ").map((name): ConfiguredServer => {
    const draft = parseServer({ metadata: { name }, spec: { source: { kind: "process", command: "w" } } });
    return { draft, digest: name };
  });
  return { servers, restart };
}

const away = new ManagerError("unavailable", "the store is away");

test("what the file says of servers is applied, and what came of them is said in the event and the health", async () => {
  await using one = rig();
  assert.deepEqual(one.reload.state, { file: "servers.yaml", state: "ok", at: "1970-01-01T00:00:00.000Z" });
  one.file = reading("a b");
  one.outcomes = [
    [
      { name: "a", outcome: "applied" },
      { name: "b", outcome: "kept" },
      { name: "c", outcome: "removed" },
    ],
  ];
  await one.clock.advance(1_000);
  one.reload.ask();
  await one.settled();
  assert.deepEqual(one.reload.state, { file: "servers.yaml", state: "ok", at: "1970-01-01T00:00:01.000Z" });
  assert.deepEqual(one.events, [
    { topic: "config.file", severity: "info", message: "servers.yaml: applied: a; deleted: c", data: { state: "ok" } },
  ]);
});

test("a file that says what it said changes nothing and is not mentioned", async () => {
  await using one = rig();
  one.reload.ask();
  await one.settled();
  assert.deepEqual([one.applied, one.events], [[], []]);
});

test("a file that is wrong is told with its place and keeps what was; put right, it is well again", async () => {
  await using one = rig();
  one.file = new ManagerError("invalid_argument", "servers.yaml:3:14: a comma is missing\n  3 |  a: b\n    |     ^");
  one.reload.ask();
  await one.settled();
  const message = "servers.yaml:3:14: a comma is missing; what it said before holds on";
  assert.deepEqual([one.reload.state.state, one.reload.state.message], ["invalid", message]);
  assert.equal(one.events[0]?.severity, "warning");
  assert.deepEqual(one.applied, []);
  one.file = reading("a");
  one.reload.ask();
  await one.settled();
  assert.deepEqual([one.reload.state.state, one.reload.state.message], ["ok", undefined]);
});

test("settings that need a restart are named, however well the servers are applied", async () => {
  await using one = rig();
  one.file = reading("a", ["port", "log.level"]);
  one.reload.ask();
  await one.settled();
  assert.equal(one.reload.state.message, "no server changed; a restart is needed for port, log.level");
  assert.equal(one.events[0]?.severity, "warning");
});

test("a store that is away is tried again until it is back, and said once each way", async () => {
  await using one = rig();
  one.file = reading("a");
  one.outcomes = [away, away, away, [{ name: "a", outcome: "applied" }]];
  one.reload.ask();
  await one.settled();
  assert.match(one.reload.state.message ?? "", /not applied yet, which is tried again: the store is away/);
  one.file = undefined;
  await one.clock.advance(120_000);
  assert.equal(one.applied.length, 4);
  assert.deepEqual([one.reload.state.message, one.events.length], [undefined, 2]);
});

test("a file that could not be read for want of means is read again by itself, and not called wrong for good", async () => {
  await using one = rig();
  one.file = new ManagerError("resource_exhausted", "it takes too long to read");
  one.reload.ask();
  await one.settled();
  assert.equal(one.reload.state.state, "invalid");
  await one.clock.advance(60_000);
  assert.equal(one.events.length, 1);
  one.file = reading("a");
  await one.clock.advance(60_000);
  assert.deepEqual([one.reload.state.state, one.applied], ["ok", ["a"]]);
});

test("a newer text takes the place of one that waits for the store, and does not wait itself", async () => {
  await using one = rig();
  one.file = reading("old");
  one.outcomes = [away, []];
  one.reload.ask();
  await one.settled();
  one.file = reading("new");
  one.reload.ask();
  await one.settled();
  assert.deepEqual(one.applied, ["old", "new"]);
});

test("what waits for the store is applied although the file has become wrong", async () => {
  await using one = rig();
  one.file = reading("old");
  one.outcomes = [away, []];
  one.reload.ask();
  await one.settled();
  one.file = new ManagerError("invalid_argument", "servers.yaml:1:1: it is wrong");
  one.reload.ask();
  await one.settled();
  assert.deepEqual(one.applied, ["old", "old"]);
  assert.equal(one.reload.state.state, "invalid");
});

test("a server that still drains is tried again; one that is refused for good is told and left", async () => {
  await using one = rig();
  const refusal = (retryAfterMs: number | undefined): Admission => ({
    name: "a",
    outcome: "refused",
    error: new ManagerError("failed_precondition", "it cannot be", retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
  one.file = reading("a");
  one.outcomes = [[refusal(1_000)], [refusal(undefined)]];
  one.reload.ask();
  await one.settled();
  await one.clock.advance(120_000);
  assert.equal(one.applied.length, 2);
  assert.equal(one.reload.state.message, "refused: a (it cannot be)");
});

test("asking while it is applied means one reading more, not one for each ask", async () => {
  await using one = rig();
  one.file = reading("a");
  one.reload.ask();
  one.reload.ask();
  one.reload.ask();
  await one.settled();
  assert.ok(one.applied.length <= 2, one.applied.join());
});

test("an ask is heard whenever it comes, also in the moment in which the work before it ends", async () => {
  for (let turns = 0; turns < 12; turns += 1) {
    await using one = rig();
    one.file = reading("a");
    one.reload.ask();
    while (one.applied.length === 0) await Promise.resolve();
    one.file = reading("b");
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    one.reload.ask();
    await one.settled();
    assert.equal(one.applied.at(-1), "b", `after ${turns} turns`);
  }
});
