/** Sessions: whose they are, how long they live, what becomes of them when there are too many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { createPrincipal } from "../../security/principal.ts";
import { createSealer, toSealKey } from "../../security/seal.ts";
import { type SessionCall, Sessions } from "./session.ts";

const ada = createPrincipal("ada", [], "api-key");
const bob = createPrincipal("bob", [], "api-key");
const minute = 60_000;

function openSessions(sessionsMax = 10, clock = new ManualClock()): { sessions: Sessions; clock: ManualClock } {
  const random = seededRandom(1);
  const sealer = createSealer([toSealKey(Buffer.alloc(32, 1))], clock, random);
  return { sessions: new Sessions({ sealer, clock, random, idleMs: 30 * minute, sessionsMax }), clock };
}

function sessionCall(cancel: (reason: string) => void): SessionCall {
  return { callId: Buffer.from("1"), place: -1, cancel };
}

test("G9 a session is found by its principal at its endpoint, and by nobody else", () => {
  using sessions = openSessions().sessions;
  const { id } = sessions.open(ada, "*", "2025-11-25");
  assert.equal(sessions.find(id, ada, "*")?.protocolVersion, "2025-11-25");
  assert.equal(sessions.find(id, bob, "*"), undefined);
  assert.equal(sessions.find(id, ada, "weather"), undefined);
  assert.equal(sessions.find(`${id}A`, ada, "*"), undefined);
  assert.deepEqual([sessions.isForeign(id, bob), sessions.isForeign(id, ada)], [true, false]);
});

test("G9 ids differ, and one is good after a restart, for a day", async () => {
  const { sessions, clock } = openSessions();
  const { id } = sessions.open(ada, "*", "2025-06-18");
  assert.notEqual(id, sessions.open(ada, "*", "2025-06-18").id);
  sessions[Symbol.dispose]();
  using after = openSessions(10, clock).sessions;
  assert.equal(after.find(id, ada, "*")?.protocolVersion, "2025-06-18");
  await clock.advance(25 * 60 * minute);
  assert.equal(after.find(id, ada, "*"), undefined);
});

test("G9 an idle session is reaped and stays away; one in use, or with a call in flight, is kept", async () => {
  const { sessions, clock } = openSessions();
  using _ = sessions;
  const [idle, used, calling] = [1, 2, 3].map(() => sessions.open(ada, "*", "2025-11-25"));
  assert.ok(idle !== undefined && used !== undefined && calling !== undefined);
  calling.calls.add(sessionCall(() => assert.fail("a call was cancelled")));
  await clock.advance(20 * minute);
  sessions.find(used.id, ada, "*");
  await clock.advance(11 * minute);
  assert.equal(sessions.count, 2);
  assert.equal(sessions.find(idle.id, ada, "*"), undefined);
  assert.ok(sessions.find(calling.id, ada, "*"));
});

test("an ended session cancels its calls and its id is never good again", () => {
  using sessions = openSessions().sessions;
  const session = sessions.open(ada, "*", "2025-11-25");
  const reasons: string[] = [];
  session.calls.add(sessionCall((reason) => reasons.push(reason)));
  sessions.end(session, "over");
  assert.deepEqual(reasons, ["over"]);
  assert.equal(sessions.find(session.id, ada, "*"), undefined);
});

test("over the cap the longest idle is put aside, and comes back when it is used", async () => {
  const { sessions, clock } = openSessions(3);
  using _ = sessions;
  const opened = [];
  for (let i = 0; i < 3; i++) {
    opened.push(sessions.open(ada, "*", "2025-11-25"));
    await clock.advance(minute);
  }
  const [first] = opened;
  assert.ok(first !== undefined);
  sessions.find(first.id, ada, "*");
  for (let i = 0; i < 100; i++) sessions.open(ada, "*", "2025-11-25");
  assert.equal(sessions.count, 3);
  for (const { id } of opened) assert.ok(sessions.find(id, ada, "*"));
  assert.equal(sessions.count, 3);
});

test("when every session has a call in flight a further one is refused as unavailable", () => {
  using sessions = openSessions(2).sessions;
  for (let i = 0; i < 2; i++) sessions.open(ada, "*", "2025-11-25").calls.add(sessionCall(() => undefined));
  assert.throws(
    () => sessions.open(bob, "*", "2025-11-25"),
    (error) => error instanceof ManagerError && error.code === "unavailable" && error.retryAfterMs === 5_000,
  );
});

test("nothing runs on after disposal", () => {
  const { sessions, clock } = openSessions();
  sessions[Symbol.dispose]();
  assert.equal(clock.pendingCount, 0);
});

test("a session that ends or is put aside is told to whoever keeps something for it", async () => {
  const { sessions, clock } = openSessions(1);
  const gone: string[] = [];
  const stop = sessions.onGone(({ id }) => gone.push(id));
  const first = sessions.open(ada, "*", "2025-11-25");
  const second = sessions.open(ada, "*", "2025-11-25");
  assert.deepEqual(gone.splice(0), [first.id]);
  await clock.advance(40 * minute);
  assert.deepEqual(gone.splice(0), [second.id]);
  const third = sessions.open(bob, "*", "2025-11-25");
  assert.equal(third.principal, bob);
  stop();
  sessions.end(third, "over");
  assert.deepEqual(gone, []);
  sessions[Symbol.dispose]();
});
