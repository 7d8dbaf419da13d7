/** What becomes of answers that go on when the key that they were asked for with is good no more, at both doors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { openGrpcDoor, refusalOf } from "./grpc/testing/grpc-door.ts";
import { openDoor } from "./testing.ts";

/** A key that is good until it is taken away. */
function key() {
  const clock = new ManualClock();
  let isGood = true;
  return {
    vouching: { clock, isGood: () => isGood },
    pass: () => clock.advance(15_000),
    revoke: () => void (isGood = false),
  };
}

test("REST: a stream goes on while its key is good, and is cut when it is not", async () => {
  const { vouching, pass, revoke } = key();
  await using door = await openDoor({ vouching });
  const reader = (await door.ask("/api/v1/events")).body?.getReader();
  await reader?.read();
  await pass();
  door.bus.publish({ topic: "breaker.state", message: "closed → open", severity: "warning" });
  assert.match(new TextDecoder().decode((await reader?.read())?.value), /closed → open/);
  revoke();
  await pass();
  assert.notEqual(
    await reader?.read().then(
      ({ done }) => done,
      () => true,
    ),
    false,
  );
});

test("gRPC: the same, and it is told why", async () => {
  const { vouching, pass, revoke } = key();
  await using door = await openGrpcDoor({ vouching });
  const items = door.client().watchEvents({})[Symbol.asyncIterator]();
  assert.equal((await items.next()).value?.item.case, "synced");
  revoke();
  await pass();
  const { code, message } = await refusalOf({ [Symbol.asyncIterator]: () => items });
  assert.deepEqual(
    [code, message],
    ["Unauthenticated", "the key that this was asked for with has expired or was changed or deleted"],
  );
  assert.equal((await door.client().getHealth({})).version, "1.2.3");
});
