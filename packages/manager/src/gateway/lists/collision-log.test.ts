/** The operator hears of a lost name once, and again when it is lost again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CollisionLog } from "./collision-log.ts";
import { serverResource, TestGateway } from "../testing/gateway.ts";

test("a lost prefix and a lost tool name are each logged once, and again after they were gone", async () => {
  await using gateway = await TestGateway.open();
  const { table, catalog } = gateway;
  const lost: unknown[] = [];
  const logger = {
    warn: (_: string, fields?: Readonly<Record<string, unknown>>): void => void lost.push(fields?.["name"]),
  };
  gateway.register(serverResource("first", { expose: { prefix: "p" } }));
  gateway.register(serverResource("second", { expose: { prefix: "p" } }));
  using _ = new CollisionLog({ table, catalog, logger });
  assert.deepEqual(lost, ["p"]);
  const expose = { tools: { override: { b: { name: "a" } } } };
  const script = {
    "tools/list": (call: { result(r: unknown): void }) => call.result({ tools: [{ name: "a" }, { name: "b" }] }),
  };
  gateway.serve("s", { script }, { expose });
  while (catalog.known("s", "tools") === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lost, ["p", "a"]);
  gateway.register(serverResource("third"));
  gateway.register({ ...serverResource("s", { expose: {} }) });
  gateway.unregister("first");
  assert.deepEqual(lost, ["p", "a"]);
  gateway.register(serverResource("s", { expose }));
  assert.deepEqual(lost, ["p", "a", "a"]);
});
