/** Calls to a server that asked to be left alone for a while (U8 of the fault table). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, type ServerSpecInput } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { httpFailure } from "../../transport/http-status.ts";
import { cannotOpen } from "../../upstream/lease-refusals.ts";
import { eras, peerOf, TestGateway } from "../testing/gateway.ts";
import { type Answer, Peer } from "../testing/peer.ts";
import type { Received, ScriptedConnection } from "../testing/scripted-connection.ts";
import { endingOfFailure } from "../../upstream/call-ending.ts";

interface Bench extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly only: ScriptedConnection;
  /** Calls the tool `t`. */
  call(): Promise<Answer>;
}

const answers = (call: Received): void => call.result({ n: 1 });
const refuses =
  (status: number, retryAfterMs?: number) =>
  (call: Received): void =>
    call.fail(httpFailure("s", status, retryAfterMs));

async function openBench(spec: Partial<ServerSpecInput> = {}): Promise<Bench> {
  const gateway = await TestGateway.open({ clock: new ManualClock() });
  const only = gateway.serve("s", {}, spec);
  const peer = new Peer(gateway.url);
  return {
    gateway,
    only,
    call: () => peer.modern("tools/call", { name: "s__t" }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

for (const era of eras) {
  for (const status of [429, 503]) {
    test(`U8 after a ${status} with Retry-After, calls of ${era} clients are refused at once with what is left, and go on after it`, async () => {
      await using bench = await openBench({ breaker: { minCalls: 1 } });
      const { gateway, only } = bench;
      const peer = await peerOf(era, gateway);
      only.script = { "tools/call": refuses(status, 7_000) };
      const first = await peer[era]("tools/call", { name: "s__t" });
      assert.deepEqual([first.status, first.headers.get("retry-after")], [503, "7"]);
      await gateway.time.advance(2_500);
      for (let i = 0; i < 30; i++) {
        const { status: seen, headers, body } = await peer[era]("tools/call", { name: "s__t" });
        assert.deepEqual([seen, headers.get("retry-after")], [503, "5"]);
        const { data } = body?.error ?? {};
        assert.deepEqual([data?.["code"], data?.["retryAfterMs"], data?.["retryable"]], ["unavailable", 4_500, true]);
      }
      assert.equal(only.calls("tools/call").length, 1, "it was left alone");
      const guard = gateway.guards.of("s");
      assert.deepEqual([guard?.breaker, guard?.detail, guard?.load.heldOff], ["closed", undefined, ["s-1-a"]]);
      only.script = { "tools/call": answers };
      await gateway.time.advance(4_500);
      assert.equal((await peer[era]("tools/call", { name: "s__t" })).body?.result?.["n"], 1);
      assert.deepEqual([guard?.load.heldOff, guard?.load.inFlight], [[], 0]);
    });
  }
}

test("a 429 that names no time holds off for a second", async () => {
  await using bench = await openBench();
  bench.only.script = { "tools/call": refuses(429) };
  await bench.call();
  assert.equal((await bench.call()).headers.get("retry-after"), "1");
  await bench.gateway.time.advance(1_000);
  await bench.call();
  assert.equal(bench.only.calls("tools/call").length, 2);
});

test("the call itself is not sent again, and the next goes to a replica that is not held off", async () => {
  await using bench = await openBench();
  const { gateway, only } = bench;
  const second = gateway.attach("s", { script: { "tools/call": answers } }, "s-1-b");
  only.script = { "tools/call": refuses(429, 7_000) };
  assert.equal((await bench.call()).status, 503);
  assert.equal(second.calls("tools/call").length, 0);
  for (let i = 0; i < 3; i++) assert.equal((await bench.call()).status, 200);
  assert.deepEqual([only.calls("tools/call").length, second.calls("tools/call").length], [1, 3]);
  assert.equal(gateway.guards.of("s")?.load.retries, 0);
});

test("no second attempt goes to a replica that is held off", async () => {
  await using bench = await openBench();
  const { gateway, only } = bench;
  const second = gateway.attach("s", { script: { "tools/call": refuses(503, 7_000) } }, "s-1-b");
  const ahead = bench.call();
  const seen = await only.call("tools/call");
  await bench.call();
  const unsent = new ManagerError("unavailable", 'the connection to server "s" was lost', { server: "s" });
  seen.fail(unsent, false);
  assert.equal((await ahead).body?.error?.message, unsent.message);
  assert.equal(second.calls("tools/call").length, 1);
  assert.equal(gateway.guards.of("s")?.load.retries, 0);
});

test("when a held-off replica is all that is left, its time is what callers are told", async () => {
  await using bench = await openBench();
  const { gateway, only } = bench;
  const second = gateway.attach("s", {}, "s-1-b");
  only.script = { "tools/call": refuses(429, 7_000) };
  await bench.call();
  second.closeReason = new ManagerError("unavailable", "gone");
  const { status, headers, body } = await bench.call();
  assert.deepEqual([status, headers.get("retry-after")], [503, "7"]);
  assert.match(body?.error?.message ?? "", /^server "s" is left alone for now/);
  assert.equal(gateway.guards.of("s")?.load.inFlight, 0);
});

test("a call that waits for a place of a server that wants to be left alone is refused with it", async () => {
  await using bench = await openBench({ limits: { concurrency: 1 } });
  const { gateway, only } = bench;
  const ahead = bench.call();
  const seen = await only.call("tools/call");
  const waiting = bench.call();
  while (gateway.guards.of("s")?.load.waiting !== 1) await new Promise<void>((resolve) => setImmediate(resolve));
  refuses(503, 7_000)(seen);
  for (const { headers } of [await ahead, await waiting]) assert.equal(headers.get("retry-after"), "7");
  assert.equal(only.calls("tools/call").length, 1);
});

test("a call through REST holds its server off as a client's does, and is refused as one is", async () => {
  await using bench = await openBench();
  const { gateway, only } = bench;
  const ada = gateway.principal("ada", ["admin"]);
  only.script = { "tools/call": refuses(503, 7_000) };
  const isRefused = (error: unknown): boolean => error instanceof ManagerError && error.retryAfterMs === 7_000;
  for (let i = 0; i < 3; i++) await assert.rejects(gateway.tools.call("s", "t", {}, ada), isRefused);
  assert.equal(only.calls("tools/call").length, 1);
});

test("a connection of a call's own that is not opened because its server asked to be left alone is no broken one", () => {
  for (const status of [429, 503]) {
    const error = cannotOpen("s", httpFailure("s", status, 7_000), 1_000);
    assert.deepEqual([endingOfFailure(error, false), error.retryAfterMs], ["rate_limited", 7_000]);
  }
  const broken = cannotOpen("s", httpFailure("s", 503, undefined), 1_000);
  assert.deepEqual([endingOfFailure(broken, false), broken.retryAfterMs], ["unsent", 1_000]);
});
