import assert from "node:assert/strict";
import { test } from "node:test";
import type { Health } from "@mcp-manager/api";
import { toldManager } from "../testing/manager.ts";
import type { Ran } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const health: Health = {
  status: "degraded",
  version: "1.2.3",
  startedAt: new Date(Date.now() - 3_600_000).toISOString(),
  store: "ok",
  overload: { stage: 0 },
  states: { ready: 2, failed: 1 },
  servers: [
    { name: "a", state: "ready", replicas: { desired: 1, ready: 1 } },
    {
      name: "b",
      state: "ready",
      replicas: { desired: 1, ready: 1 },
      breaker: "open",
      attention: "the breaker is open: 12 of 20 calls failed within 30 s",
    },
    {
      name: "c",
      state: "failed",
      replicas: { desired: 2, ready: 0 },
      attention: "the process exited with status 3",
      lastFailure: {
        stage: "initialize",
        message: "the process exited with status 3",
        at: new Date(Date.now() - 12_000).toISOString(),
      },
    },
  ],
};

async function status(answer: Health): Promise<Ran> {
  await using manager = await toldManager({ "GET /api/v1/health": [[200, answer]] });
  return await type(["status", "--url", manager.url]);
}

test("the instance is told first, then the servers that need somebody, each with why, then the others", async () => {
  const { status: exit, stdout } = await status(health);
  assert.equal(exit, 0);
  assert.deepEqual(stdout.split("\n"), [
    "Manager 1.2.3: degraded, up 1h, store ok",
    "Load: not overloaded",
    "Servers: 1 failed, 2 ready",
    "",
    "SERVER  STATE   REPLICAS  WHY",
    "b       ready   1/1       the breaker is open: 12 of 20 calls failed within 30 s",
    "c       failed  0/2       the process exited with status 3 (initialize, 12s ago)",
    "a       ready   1/1       -",
    "",
  ]);
});

test("an overloaded instance says how much, and by what", async () => {
  const message = "heap at 93 %: new sessions are refused";
  const { stdout } = await status({ ...health, overload: { stage: 2, message } });
  assert.match(stdout, /^Load: overloaded, stage 2: heap at 93 %: new sessions are refused$/m);
});

test("a manager whose store cannot be written is a failure for scripts too", async () => {
  assert.equal((await status({ ...health, status: "failed", store: "read-only" })).status, 1);
});

test("the configuration file is named, with what is wrong with it", async () => {
  const at = new Date(Date.now() - 5_000).toISOString();
  const lineOf = async (config: NonNullable<Health["config"]>): Promise<string | undefined> =>
    (await status({ ...health, config })).stdout.split("\n").find((line) => line.startsWith("Configuration"));
  assert.equal(await lineOf({ file: "servers.yaml", state: "ok", at }), "Configuration: servers.yaml, read 5s ago");
  assert.equal(
    await lineOf({ file: "servers.yaml", state: "invalid", message: "servers.yaml:3:14: a comma is missing", at }),
    "Configuration: servers.yaml, read 5s ago: servers.yaml:3:14: a comma is missing",
  );
});
