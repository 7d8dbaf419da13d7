import assert from "node:assert/strict";
import { test } from "node:test";
import { parse as parseYaml } from "yaml";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import type { Ran } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const env = { MCP_MANAGER_API_KEY: "mcpm_abc", MCP_MANAGER_URL: "http://127.0.0.1:8080" };

function connect(words: string, more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return type(`connect ${words}`, { env: { ...env, ...more } });
}

/** The format of each client, as its documents have it. A literal each: whoever changes one has looked it up. */
const texts: Readonly<Record<string, unknown>> = {
  cursor: {
    mcpServers: { "mcp-manager": { url: "http://127.0.0.1:8080/mcp", headers: { Authorization: "Bearer mcpm_abc" } } },
  },
  vscode: {
    servers: {
      "mcp-manager": { type: "http", url: "http://127.0.0.1:8080/mcp", headers: { Authorization: "Bearer mcpm_abc" } },
    },
  },
  gemini: {
    mcpServers: {
      "mcp-manager": { httpUrl: "http://127.0.0.1:8080/mcp", headers: { Authorization: "Bearer mcpm_abc" } },
    },
  },
  windsurf: {
    mcpServers: {
      "mcp-manager": { serverUrl: "http://127.0.0.1:8080/mcp", headers: { Authorization: "Bearer mcpm_abc" } },
    },
  },
  opencode: {
    mcp: {
      "mcp-manager": {
        type: "remote",
        url: "http://127.0.0.1:8080/mcp",
        headers: { Authorization: "Bearer mcpm_abc" },
        enabled: true,
      },
    },
  },
  "claude-desktop": {
    mcpServers: {
      "mcp-manager": {
        command: "npx",
        args: ["-y", "mcp-remote", "http://127.0.0.1:8080/mcp", "--header", "Authorization:${AUTHORIZATION}"],
        env: { AUTHORIZATION: "Bearer mcpm_abc" },
      },
    },
  },
};

for (const [client, wanted] of Object.entries(texts)) {
  test(`connect ${client} prints its file, and says where that goes on stderr`, async () => {
    const { status, stdout, stderr } = await connect(client);
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout), wanted);
    assert.match(stderr, /^[A-Z].*: put this into \S+/i);
  });
}

test("connect claude and inspector print a line for the shell", async () => {
  const claude = await connect("claude");
  assert.equal(
    claude.stdout,
    'claude mcp add --transport http mcp-manager http://127.0.0.1:8080/mcp --header "Authorization: Bearer mcpm_abc"\n',
  );
  assert.equal(claude.stderr, "Claude Code: run this\n");
  assert.equal(
    (await connect("inspector")).stdout,
    'npx @modelcontextprotocol/inspector --server-url http://127.0.0.1:8080/mcp --transport http --header "Authorization: Bearer mcpm_abc"\n',
  );
});

test("connect codex prints TOML", async () => {
  assert.equal(
    (await connect("codex")).stdout,
    '[mcp_servers.mcp-manager]\nurl = "http://127.0.0.1:8080/mcp"\nhttp_headers = { Authorization = "Bearer mcpm_abc" }\n',
  );
});

test("a client behind plain HTTP on another machine is told that this is meant", async () => {
  const { stdout } = await connect("claude-desktop --url http://10.0.0.1:8080");
  assert.match(stdout, /"--allow-http"/);
});

test("a key is quoted for the shell", async () => {
  const { stdout } = await connect("claude", { MCP_MANAGER_API_KEY: 'a"$(x)`' });
  assert.ok(stdout.includes(String.raw`"Authorization: Bearer a\"\$(x)\`"`), stdout);
});

test("one server is asked for before it is printed, and has an endpoint of its own", async () => {
  await using manager = await toldManager({ "GET /api/v1/servers/weather": [[200, serverOf("weather")]] });
  const { stdout } = await connect(`cursor --server weather --url ${manager.url}/`);
  assert.equal(
    (JSON.parse(stdout) as { mcpServers: { weather: { url: string } } }).mcpServers.weather.url,
    `${manager.url}/servers/weather/mcp`,
  );
  const missing = await connect(`cursor --server wether --url ${manager.url}`);
  assert.deepEqual([missing.status, missing.stdout], [1, ""]);
});

test("--new-key makes a key that may only use tools", async () => {
  await using manager = await toldManager({
    "POST /api/v1/api-keys": [
      [201, { key: "mcpm_new", metadata: { name: "laptop" }, spec: {} }],
      [409, problem("already_exists", "there is one")],
    ],
  });
  const { stdout } = await connect(`claude --new-key laptop --url ${manager.url}`);
  assert.match(stdout, /Bearer mcpm_new"/);
  assert.deepEqual(JSON.parse(manager.asked[0]?.body ?? ""), {
    metadata: { name: "laptop" },
    spec: { roles: ["caller"] },
  });
  assert.equal((await connect(`claude --new-key laptop --url ${manager.url}`)).status, 1);
});

test("the admin key is not handed to a client without a word", async () => {
  const { stderr } = await connect("cursor", { MCP_MANAGER_API_KEY: "", MCP_MANAGER_ADMIN_KEY: "admin" });
  assert.match(stderr, /this holds the admin key/);
  const without = await connect("cursor", { MCP_MANAGER_API_KEY: "" });
  assert.equal(without.status, 2);
  assert.match(without.stderr, /there is no key for the client: set MCP_MANAGER_API_KEY/);
});

test("an unknown client is answered with the nearest and with all", async () => {
  const { status, stderr } = await connect("claud");
  assert.equal(status, 2);
  assert.match(stderr, /unknown client "claud"; did you mean claude\? known are claude, claude-desktop, cursor/);
  assert.equal((await connect("constructor")).status, 2);
});

test("for programs the parts come one by one", async () => {
  const { stdout } = await connect("cursor --name gate -o yaml");
  const { text, ...parts } = parseYaml(stdout) as Readonly<Record<string, string>>;
  assert.deepEqual(parts, { client: "cursor", name: "gate", url: "http://127.0.0.1:8080/mcp", key: "mcpm_abc" });
  assert.ok(text?.includes('"gate"'));
});
