import assert from "node:assert/strict";
import { test } from "node:test";
import { banner, type BannerOptions } from "./banner.ts";

const entry = { principal: "admin", roles: ["admin"], digest: Buffer.alloc(32) };
const options: BannerOptions = {
  manager: {
    url: "http://127.0.0.1:8080",
    adminKey: { entry, source: "file", path: "/srv/mcp/data/admin.key", hint: "" },
    admissions: [
      { name: "weather", outcome: "applied" },
      { name: "gone", outcome: "deleted" },
    ],
  },
  version: "1.2.3",
  cwd: "/srv/mcp",
  data: "/srv/mcp/data",
  isTerminal: false,
};

test("the first line says that it is ready, and where", () => {
  assert.equal(banner(options).split("\n")[0], "MCP Manager 1.2.3 ready on http://127.0.0.1:8080");
});

test("where gRPC listens too, the first line says so", () => {
  const manager = { ...options.manager, grpcUrl: "grpc://127.0.0.1:9090" };
  const [first] = banner({ ...options, manager }).split("\n");
  assert.equal(first, "MCP Manager 1.2.3 ready on http://127.0.0.1:8080 and grpc://127.0.0.1:9090");
});

test("each client has a line that can be copied and holds no key", () => {
  const text = banner(options);
  assert.ok(
    text.includes(
      'claude mcp add --transport http mcp-manager http://127.0.0.1:8080/mcp --header "Authorization: Bearer $(cat data/admin.key)"',
    ),
  );
  assert.ok(text.includes("npx mcp-manager connect cursor > .cursor/mcp.json"));
  assert.ok(text.includes("npx mcp-manager connect vscode > .vscode/mcp.json"));
  assert.ok(text.includes("npx @modelcontextprotocol/inspector"));
});

test("another port and another directory are in the lines", () => {
  const manager = {
    ...options.manager,
    url: "http://127.0.0.1:9000",
    adminKey: { entry, source: "created" as const, path: "/var/lib/my data/admin.key", hint: "" },
  };
  const text = banner({ ...options, manager, data: "/var/lib/my data" });
  assert.ok(text.includes("$(cat '/var/lib/my data/admin.key')"));
  assert.ok(text.includes("connect cursor --url http://127.0.0.1:9000 --data '/var/lib/my data'"));
});

test("a key from the environment is named, not shown", () => {
  const manager = { ...options.manager, adminKey: { entry, source: "environment" as const, hint: "" } };
  assert.ok(banner({ ...options, manager }).includes("Bearer $MCP_MANAGER_ADMIN_KEY"));
});

test("servers are named, those that stay deleted are not", () => {
  const text = banner(options);
  assert.ok(text.includes("weather"));
  assert.ok(!text.includes("gone"));
});
