/** Opening a server on stdio: the probe, the handshake, and what is said when it does not work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../base/clock.ts";
import { initializeStdio, probeStdio, type StdioOpenOptions } from "./stdio-open.ts";
import { callTool, RecordingEvents, until } from "./testing/calls.ts";
import { StdioChild } from "./testing/stdio-child.ts";

interface Opening extends AsyncDisposable {
  readonly child: StdioChild;
  readonly clock: ManualClock;
  readonly options: StdioOpenOptions;
}

function prepare(era: "legacy" | "modern", mode = ""): Opening {
  const child = new StdioChild(era, mode);
  const clock = new ManualClock();
  const { streams } = child;
  const limits = { openTimeoutMs: 30_000, probeTimeoutMs: 5_000 };
  return {
    child,
    clock,
    options: { streams, server: "weather", events: new RecordingEvents(), clock, ...limits },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}

function caught(promise: Promise<unknown>): Promise<ManagerError> {
  return promise.then(
    () => assert.fail("it was expected to fail"),
    (error: ManagerError) => error,
  );
}

test("G6 a modern server is told by its answer to the probe, and the probed process serves", async () => {
  await using opening = prepare("modern");
  const connection = await probeStdio(opening.options);
  assert.ok(connection);
  const { era, protocolVersion, serverInfo, capabilities } = connection.facts;
  assert.deepEqual(
    { era, protocolVersion, serverInfo, capabilities },
    {
      era: "modern",
      protocolVersion: "2026-07-28",
      serverInfo: { name: "stand-in", version: "1" },
      capabilities: { tools: {} },
    },
  );
  await callTool(connection, "echo");
});

const legacyAnswers: readonly (readonly ["legacy" | "modern", string, string])[] = [
  ["legacy", "", "-32601"],
  ["legacy", "refuse", "another error"],
  ["legacy", "empty", "an empty result"],
  ["legacy", "strict", "the end of the process"],
  ["modern", "offers", "-32022 that offers legacy versions"],
];
for (const [era, mode, what] of legacyAnswers) {
  test(`G6 a legacy server is told by ${what}, and the probe leaves nothing behind`, async () => {
    await using opening = prepare(era, mode);
    assert.equal(await probeStdio(opening.options), undefined);
  });
}

test("G6 silence until the probe's time is over means legacy", async () => {
  await using opening = prepare("modern", "silent");
  let isOver = false;
  const probe = probeStdio(opening.options).finally(() => {
    isOver = true;
  });
  await opening.clock.advance(4_999);
  assert.equal(isOver, false);
  await opening.clock.advance(1);
  assert.equal(await probe, undefined);
});

test("a server that refuses the version and offers the very same is asked again, once", async () => {
  await using once = prepare("modern", "again");
  assert.equal((await probeStdio(once.options))?.facts.era, "modern");
  await using always = prepare("modern", "again2");
  const error = await caught(probeStdio(always.options));
  assert.deepEqual([error.code, error.reason, error.server], ["protocol_error", "OPEN_FAILED", "weather"]);
});

test("G6 another recognised modern error is no verdict but a failure that quotes it", async () => {
  await using opening = prepare("modern", "header");
  const error = await caught(probeStdio(opening.options));
  assert.equal(error.code, "protocol_error");
  assert.match(
    error.message,
    /^server "weather" did not open at server\/discover: it answered error -32020: ".*mismatch/,
  );
});

test("a legacy server is initialized and told so", async () => {
  await using opening = prepare("legacy");
  const connection = await initializeStdio(opening.options);
  assert.deepEqual(connection.facts, {
    era: "legacy",
    protocolVersion: "2025-11-25",
    serverInfo: { name: "stand-in", version: "1" },
    capabilities: { tools: {} },
    instructions: undefined,
  });
  await until("the notification", () => opening.child.journal.includes("notified notifications/initialized"));
  assert.deepEqual(opening.child.journal, ["request initialize", "notified notifications/initialized"]);
});

test("G6 a server that was strict in the probe still serves from a process of its own", async () => {
  await using probed = prepare("legacy", "strict");
  assert.equal(await probeStdio(probed.options), undefined);
  await using serving = prepare("legacy", "strict");
  await callTool(await initializeStdio(serving.options), "echo");
});

test("an error to initialize is quoted, with the lines that stood on stdout", async () => {
  await using opening = prepare("legacy", "noisy");
  const error = await caught(initializeStdio(opening.options));
  assert.deepEqual([error.code, error.reason, error.server], ["protocol_error", "OPEN_FAILED", "weather"]);
  assert.match(error.message, /^server "weather" did not open at initialize: it answered error -32603: .*no database/);
  assert.match(error.message, /on stdout, where only messages belong, it wrote "Starting up…", "still starting"$/);
  assert.deepEqual(error.details, { stage: "initialize", noise: ['"Starting up…"', '"still starting"'] });
});

test("a protocol version that is not spoken here is quoted", async () => {
  await using opening = prepare("legacy", "future");
  const error = await caught(initializeStdio(opening.options));
  assert.equal(error.code, "protocol_error");
  assert.match(error.message, /no valid answer but ".*2999-01-01/);
});

test("silence at initialize is a deadline that was missed", async () => {
  await using opening = prepare("legacy", "silent");
  const opened = caught(initializeStdio(opening.options));
  await opening.clock.advance(30_000);
  const error = await opened;
  assert.equal(error.code, "deadline_exceeded");
  assert.equal(error.message, 'server "weather" did not open at initialize: no answer within 30000 ms');
});

test("a process that ends at once is unavailable, also when it has ended before", async () => {
  await using opening = prepare("legacy", "exit");
  const error = await caught(initializeStdio(opening.options));
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /^server "weather" did not open at initialize: .*lost/);
  await opening.child.exited;
  assert.equal((await caught(initializeStdio(opening.options))).code, "unavailable");
});
