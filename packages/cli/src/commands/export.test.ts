import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServer, serverDefaults } from "@mcp-manager/api";
import { parse } from "yaml";
import { toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const metadata = { uid: "u", generation: 1, revision: "7", createdAt: "2026-01-01T00:00:00Z" };
const specs = {
  plain: { source: { kind: "process", command: "x" } },
  far: {
    source: { kind: "remote", url: "https://x", headers: { Authorization: "Bearer ${secret:far-token}" } },
    replicas: 3,
    strategy: { kind: "canary", steps: [{ weight: 10 }] },
    limits: { concurrency: 8, rate: { perSecond: 1, burst: 2 } },
    sandbox: { level: "strict", writable: ["/srv"] },
    expose: { tools: { deny: ["admin_*"] } },
  },
};
const servers = Object.entries(specs).map(([name, spec]) => ({
  kind: "Server",
  metadata: { name, labels: name === "far" ? { team: "a" } : {}, ...metadata },
  spec: parseServer({ metadata: { name }, spec }).spec,
  status: {},
}));

test("what is printed is read again as the same servers, without the defaults and with references for secrets", async () => {
  const leaving = { ...servers[0], metadata: { name: "leaving", labels: {}, ...metadata, deletedAt: "2026-01-01" } };
  await using manager = await toldManager({ "GET /api/v1/servers": [[200, { items: [...servers, leaving] }]] });
  const { status, stdout, stderr } = await type(["export", "--url", manager.url]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^# needs a secret: mcp-manager secret set far-token\nservers:\n/);
  const { servers: written } = parse(stdout) as { servers: Readonly<Record<string, { labels?: object }>> };
  assert.deepEqual(written["plain"], specs.plain);
  assert.deepEqual(Object.keys(written), ["plain", "far"]);
  for (const { metadata: before, spec } of servers) {
    const { labels, ...given } = written[before.name] ?? {};
    const read = parseServer({
      metadata: { name: before.name, ...(labels === undefined ? {} : { labels }) },
      spec: given,
    });
    assert.deepEqual([read.spec, read.labels], [spec, before.labels], before.name);
  }
});

test("a section is written by the members that are not the default", async () => {
  await using manager = await toldManager({ "GET /api/v1/servers": [[200, { items: servers }]] });
  const { stdout } = await type(["export", "-o", "json", "--url", manager.url]);
  const { far } = (JSON.parse(stdout) as { servers: { far: Readonly<Record<string, unknown>> } }).servers;
  assert.deepEqual(far["limits"], { concurrency: 8, rate: { perSecond: 1, burst: 2 } });
  assert.ok(!("health" in far) && !JSON.stringify(far).includes(serverDefaults.deployment.drainTimeout));
});

test("what the key may not read is said", async () => {
  const [plain] = servers;
  const spec = { ...plain?.spec, source: { kind: "process", command: "x", args: [], env: { A: "(hidden)" } } };
  await using manager = await toldManager({ "GET /api/v1/servers": [[200, { items: [{ ...plain, spec }] }]] });
  assert.match((await type(["export", "--url", manager.url])).stderr, /\(hidden\) may not be read with this key/);
});

test("--for prints what connect prints", async () => {
  const env = { MCP_MANAGER_API_KEY: "mcpm_abc" };
  for (const client of ["claude", "claude-desktop", "cursor", "vscode", "codex"])
    assert.deepEqual(await type(`export --for ${client}`, { env }), await type(`connect ${client}`, { env }));
  const unknown = await type("export --for claud", { env });
  assert.deepEqual([unknown.status, /did you mean claude\?.*see mcp-manager export/.test(unknown.stderr)], [2, true]);
  assert.match(
    (await type("export --name x", { env })).stderr,
    /--name is about a client's entry: say which with --for/,
  );
});
