/** What `/metrics` shows is what the reference page says, no more and no less. */
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configOf } from "./testing/fixtures.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { root, startManager } from "./testing/manager.ts";
import { initialize, request } from "./testing/mcp.ts";
import { familiesOf, metricsPage } from "./testing/metrics-page.ts";

const path = join(root, "docs/reference/metrics.md");
let manager: ManagerProcess;

before(async () => {
  manager = await startManager({ config: configOf({ plain: { mode: "plain" } }) });
  await manager.serversReady("plain");
});
after(() => manager[Symbol.asyncDispose]());

async function scrape(key = manager.key): Promise<Response> {
  return await fetch(`${manager.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
}

test("the reference page says what a manager in use shows", async () => {
  const session = await initialize(manager);
  assert.equal(
    (await request(manager, session, "tools/call", { name: "plain__slow", arguments: { ms: 0 } })).status,
    200,
  );
  const response = await scrape();
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const page = metricsPage(familiesOf(await response.text()));
  if (process.env["UPDATE_REFERENCE"] === "1") writeFileSync(path, page);
  const remedy = "run UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test test/e2e/metrics.test.ts";
  assert.equal(readFileSync(path, "utf8"), page, remedy);
});

test("every metric that the sources name is on the page, and the other way round", () => {
  const files = globSync("packages/manager/src/**/*.ts", { cwd: root }).filter(
    (file) => !/\.test\.ts$|\/testing(?:\/|\.ts$)/.test(file),
  );
  const names = (text: string): readonly string[] => text.match(/\bmcp_manager_\w+/g) ?? [];
  const named = files.flatMap((file) => names(readFileSync(join(root, file), "utf8")));
  const shown = names(readFileSync(path, "utf8"));
  assert.deepEqual([...new Set(shown)].toSorted(), [...new Set(named)].toSorted());
});

test("a call is counted once, by its server, revision, method and outcome", async () => {
  const count = async (outcome: string): Promise<number> => {
    const labels = `server="plain",revision="plain-1",method="tools/call",outcome="${outcome}"`;
    const text = await (await scrape()).text();
    return Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`mcp_manager_requests_total{${labels}} `))
        ?.split(" ")[1] ?? 0,
    );
  };
  for (const [tool, outcome] of Object.entries({ slow: "result", fail: "tool_error" })) {
    const earlier = await count(outcome);
    await manager.client.tools.call("plain", tool, { ms: 0 });
    assert.equal(await count(outcome), earlier + 1, outcome);
  }
});

test("metrics are not for callers", async () => {
  const { key } = await manager.client.apiKeys.create({ metadata: { name: "caller" }, spec: { roles: ["caller"] } });
  assert.deepEqual([(await scrape(key)).status, (await scrape("none")).status], [403, 401]);
});
