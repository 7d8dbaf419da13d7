import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "@mcp-manager/api";
import { Client } from "@mcp-manager/client";
import type { Invocation } from "../command.ts";
import { Printer } from "../output.ts";
import { deploymentOf } from "../testing/deployment.ts";
import { toldManager } from "../testing/manager.ts";
import { terminalIo } from "../testing/terminal.ts";
import type { Followed, Wait } from "./deployment-wait.ts";
import { waitOf } from "./deployment-wait.ts";
import { follow } from "./follow.ts";

const paused = deploymentOf({ phase: "Paused", reason: "AwaitingPromotion", message: "a person decides" });
const draining = deploymentOf({ phase: "Draining" });

function invocationOf(url: string, values: Readonly<Record<string, string | true>> = {}, columns?: number): Invocation {
  const { io } = terminalIo(columns === undefined ? {} : { columns });
  const option = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    io,
    positionals: [],
    option,
    all: () => [],
    flag: (name) => values[name] === true,
    print: new Printer(io, "table"),
    client: () => new Client({ url }),
  };
}

async function followed(seen: readonly Deployment[], wait: Wait): Promise<Followed | undefined> {
  const answers = { "GET /api/v1/deployments/a-2-1": seen.map((one) => [200, one] as const) };
  await using manager = await toldManager(answers);
  const [only] = await follow(invocationOf(manager.url), ["a-2-1"], wait);
  return only;
}

test("a person is waited for no longer than was said, and one who comes in time is enough", async () => {
  const late = await followed([paused], { goal: "promoted", personMs: 300 });
  assert.deepEqual([late?.ending, late?.deployment?.status.phase], ["going", "Paused"]);
  const inTime = await followed([paused, paused, draining], { goal: "promoted", personMs: 60_000 });
  assert.equal(inTime?.ending, "there");
});

test("what moves is not held to the time of a person", async () => {
  const moving = deploymentOf();
  const seen = await followed([moving, moving, moving, moving, draining], { goal: "promoted", personMs: 300 });
  assert.equal(seen?.ending, "there");
});

test("where nobody watches a person has ten minutes, unless a time was given or somebody does", () => {
  const wait = (values: Readonly<Record<string, string | true>>, columns?: number): Wait | undefined =>
    waitOf(invocationOf("http://127.0.0.1:1", values, columns), []);
  assert.deepEqual(wait({}), { goal: "promoted", personMs: 600_000 });
  assert.deepEqual(wait({}, 80), { goal: "promoted" });
  assert.deepEqual(wait({ wait: "completed", timeout: "5m" }), { goal: "completed", timeoutMs: 300_000 });
  assert.deepEqual(wait({ wait: "90s" }), { goal: "promoted", timeoutMs: 90_000 });
  assert.equal(wait({ wait: "0s" }), undefined);
  assert.equal(wait({ "no-wait": true }), undefined);
});
