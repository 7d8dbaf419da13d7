import assert from "node:assert/strict";
import { test } from "node:test";
import { load, loadJson, mistakes, refusal, sources } from "./testing/load-text.ts";

function local(command: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): object {
  return { kind: "process", command, args, env };
}

function remote(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  transport: "streamable-http" | "sse" = "streamable-http",
): object {
  return { kind: "remote", url, transport, headers };
}

test("Claude Desktop's file", () => {
  const config = loadJson({
    globalShortcut: "Ctrl+Space",
    mcpServers: {
      filesystem: { command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "/Users/me/Desktop"] },
      github: {
        command: "docker",
        args: ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
        env: { GITHUB_PERSONAL_ACCESS_TOKEN: "ghp_0123456789" },
      },
    },
  });
  assert.deepEqual(sources(config), {
    filesystem: local("npx", ["-y", "@modelcontextprotocol/server-filesystem", "/Users/me/Desktop"]),
    github: local(
      "docker",
      ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
      { GITHUB_PERSONAL_ACCESS_TOKEN: "ghp_0123456789" },
    ),
  });
  assert.deepEqual(config.notes, []);
});

test("Claude Code's .mcp.json with its variables", () => {
  const config = loadJson({
    mcpServers: {
      api: {
        type: "http",
        url: "https://api.example.com/mcp",
        headers: { Authorization: "Bearer ${API_KEY}", "X-Region": "${REGION:-eu}" },
        oauth: { clientId: "abc", callbackPort: 8080 },
      },
      old: { type: "sse", url: "https://old.example.com/sse" },
      db: {
        type: "stdio",
        command: "/usr/bin/db-server",
        args: [],
        env: { URL: "${DB_URL}", CACHE: "${CACHE:-/tmp}/x" },
      },
    },
  });
  assert.deepEqual(sources(config), {
    api: remote("https://api.example.com/mcp", {
      Authorization: "Bearer ${env:API_KEY}",
      "X-Region": "${env:REGION:-eu}",
    }),
    old: remote("https://old.example.com/sse", {}, "sse"),
    db: local("/usr/bin/db-server", [], { URL: "${env:DB_URL}", CACHE: "${env:CACHE:-/tmp}/x" }),
  });
  assert.deepEqual(config.notes, [{ level: "info", message: "server api: not read: oauth" }]);
});

test("Cursor's mcp.json with comments and trailing commas", () => {
  const text = `{
    // my servers
    "mcpServers": {
      "docs": {
        "url": "https://docs.example.com/mcp", /* no key // needed */
        "headers": { "X-Key": "\${env:DOCS_KEY}", },
      },
      "local": { "command": "python", "args": ["server.py", "http://x//y"], "cwd": "/srv", },
    },
  }
  // the end`;
  assert.deepEqual(sources(load(text, { path: "mcp.json" })), {
    docs: remote("https://docs.example.com/mcp", { "X-Key": "${env:DOCS_KEY}" }),
    local: { ...local("python", ["server.py", "http://x//y"]), cwd: "/srv" },
  });
});

test("Windsurf's serverUrl, file references and switched-off tools", () => {
  const config = loadJson({
    mcpServers: {
      figma: {
        serverUrl: "https://mcp.figma.com/mcp",
        headers: { Authorization: "Bearer ${file:/run/figma}" },
        disabledTools: ["delete_file"],
      },
    },
  });
  assert.deepEqual(sources(config), {
    figma: remote("https://mcp.figma.com/mcp", { Authorization: "Bearer ${file:/run/figma}" }),
  });
  assert.deepEqual(config.servers[0]?.draft.spec.expose, { tools: { deny: ["delete_file"] } });
});

test("Gemini's settings.json: httpUrl, $VAR, tool lists, other sections beside", () => {
  const config = loadJson({
    theme: "GitHub",
    mcp: { allowed: ["api"] },
    mcpServers: {
      api: {
        httpUrl: "https://api.example.com/mcp",
        headers: { Authorization: "Bearer $API_TOKEN" },
        timeout: 5000,
        trust: false,
        includeTools: ["get", "list"],
        excludeTools: ["list"],
      },
      local: { command: "python", env: { KEY: "$MY_KEY", PASSWORD: "pa$WORD", PRICE: "$5", LOWER: "$lower" } },
    },
  });
  assert.deepEqual(sources(config), {
    api: remote("https://api.example.com/mcp", { Authorization: "Bearer ${env:API_TOKEN}" }),
    local: local("python", [], { KEY: "${env:MY_KEY}", PASSWORD: "pa$WORD", PRICE: "$5", LOWER: "$lower" }),
  });
  assert.deepEqual(config.servers[0]?.draft.spec.expose, { tools: { allow: ["get", "list"], deny: ["list"] } });
  assert.deepEqual(
    config.notes.map(({ message }) => message),
    [
      "server api: a $NAME in headers.Authorization was read as the environment variable of that name",
      "server api: not read: timeout, trust",
      "server local: a $NAME in env.KEY was read as the environment variable of that name",
    ],
  );
});

test("VS Code's mcp.json", () => {
  const config = loadJson({
    inputs: [],
    servers: {
      github: { type: "http", url: "https://api.githubcopilot.com/mcp/" },
      fetch: {
        type: "stdio",
        command: "uvx",
        args: ["mcp-server-fetch"],
        env: { KEY: "${env:KEY}" },
        dev: { watch: "**" },
      },
    },
  });
  assert.deepEqual(sources(config), {
    github: remote("https://api.githubcopilot.com/mcp/"),
    fetch: local("uvx", ["mcp-server-fetch"], { KEY: "${env:KEY}" }),
  });
  const older = { servers: { playwright: { command: "npx", args: ["-y", "@microsoft/mcp-server-playwright"] } } };
  assert.deepEqual(sources(loadJson(older)), { playwright: local("npx", ["-y", "@microsoft/mcp-server-playwright"]) });
});

test("opencode's file, in both of its forms", () => {
  const servers = {
    local: {
      type: "local",
      command: ["bun", "x", "my-mcp"],
      environment: { KEY: "{env:MY_KEY}", FILE: "{file:/k}" },
      enabled: true,
    },
    off: { type: "local", command: ["x"], enabled: false },
    remote: { type: "remote", url: "https://x/mcp", headers: { Authorization: "Bearer {env:TOKEN}" } },
  };
  for (const mcp of [servers, { servers }]) {
    const config = loadJson({ $schema: "https://opencode.ai/config.json", theme: "opencode", mcp });
    assert.deepEqual(sources(config), {
      local: local("bun", ["x", "my-mcp"], { KEY: "${env:MY_KEY}", FILE: "${file:/k}" }),
      remote: remote("https://x/mcp", { Authorization: "Bearer ${env:TOKEN}" }),
    });
    assert.deepEqual(config.notes, [{ level: "info", message: "server off: skipped, because it is disabled there" }]);
  }
});

test("Zed's settings.json, with today's and the older form, and an extension's server skipped", () => {
  const config = loadJson({
    agent: { enabled: true },
    context_servers: {
      today: { source: "custom", command: "npx", args: ["-y", "x"], env: {} },
      older: { command: { path: "/bin/x", args: ["a"], env: { K: "v" } }, settings: {} },
      extension: { source: "extension", settings: { database_url: "postgresql://x" } },
      far: { url: "https://x/mcp", headers: { A: "b" } },
    },
  });
  assert.deepEqual(sources(config), {
    today: local("npx", ["-y", "x"]),
    older: local("/bin/x", ["a"], { K: "v" }),
    far: remote("https://x/mcp", { A: "b" }),
  });
});

test("Cline's file: its transport word, disabled servers, keys of its own", () => {
  const config = loadJson({
    mcpServers: {
      far: { type: "streamableHttp", url: "https://x/mcp", disabled: false, autoApprove: ["a"], timeout: 60 },
      off: { command: "x", disabled: true },
    },
  });
  assert.deepEqual(sources(config), { far: remote("https://x/mcp") });
  assert.deepEqual(
    config.notes.map(({ message }) => message),
    ["server far: not read: autoApprove, timeout", "server off: skipped, because it is disabled there"],
  );
});

test("Continue's list, in YAML", () => {
  const text =
    "name: mine\nversion: 1\nmcpServers:\n  - name: SQLite MCP\n    command: uvx\n    args: [mcp-server-sqlite]\n";
  const config = load(text, { path: "config.yaml" });
  assert.deepEqual(sources(config), { "sqlite-mcp": local("uvx", ["mcp-server-sqlite"]) });
  assert.deepEqual(config.servers[0]?.origin, { kind: "file", path: "config.yaml", line: 4 });
});

test("names that are not legal become legal, always the same, and the log says so", () => {
  const entry = { command: "x" };
  const names = ["My Server", "my-server", "@acme/weather", "ÜBER_tool", "日本", "my server"];
  const config = loadJson({ mcpServers: Object.fromEntries(names.map((name) => [name, entry])) });
  assert.deepEqual(
    config.servers.map(({ draft }) => draft.name),
    ["my-server-2", "my-server", "acme-weather", "uber-tool", "server", "my-server-3"],
  );
  assert.equal(config.notes[0]?.message, 'server my-server-2: this is "My Server" in mcp.json');
  assert.equal(config.notes.length, 5);
});

test("a YAML file with mcpServers is told that its settings are not read", () => {
  const config = load("port: 9\nmcpServers: { a: { command: x } }");
  assert.equal(config.settings.port, 8080);
  assert.match(config.notes[0]?.message ?? "", /servers\.yaml: port is not read, because this is a client's file/);
});

test("every mistake is named at its place", () => {
  const text = `{
  "mcpServers": {
    "both": { "command": "x", "url": "https://x" },
    "neither": { "args": [] },
    "old": {
      "type": "sse",
      "command": "x"
    },
    "word": { "type": "websocket", "url": "https://x" },
    "crossed": { "type": "stdio", "url": "https://x" },
    "asks": { "command": "x", "env": { "T": "\${input:token}" } },
    "editor": { "command": "x", "args": ["--root", "\${workspaceFolder}"] },
    "cwd": { "command": "x", "cwd": "\${HOME}/x" },
    "number": { "command": "x", "env": { "PORT": 8080 } },
    "file": { "command": "x", "envFile": ".env" },
    "text": "npx"
  }
}`;
  assert.deepEqual(
    mistakes(() => load(text, { path: "mcp.json" })),
    [
      "mcp.json:3:31 mcpServers.both.url: either command or url",
      "mcp.json:4:5 mcpServers.neither: command or url",
      "mcp.json:6:7 mcpServers.old.type: stdio, because there is a command",
      "mcp.json:9:15 mcpServers.word.type: one of stdio, http, sse",
      "mcp.json:10:18 mcpServers.crossed.type: http or sse, because there is an address",
      "mcp.json:11:40 mcpServers.asks.env.T: ${env:NAME} or ${file:/path}: there is nobody to be asked for an input",
      "mcp.json:12:52 mcpServers.editor.args[1]: the text itself, or ${env:NAME}: only the editor knows this variable",
      "mcp.json:13:30 mcpServers.cwd.cwd: text without references: they are replaced in args, env and headers only",
      'mcp.json:14:42 mcpServers.number.env.PORT: text (in quotes: "…")',
      "mcp.json:15:31 mcpServers.file.envFile: its variables in env, as ${env:NAME} or ${file:/path} (such files are not read)",
      "mcp.json:16:5 mcpServers.text: an object with command or url",
    ],
  );
});

test("servers that are no object, and other languages, are refused by name", () => {
  assert.match(refusal(() => loadJson({ mcpServers: "x" })).message, /mcp\.json:2:3 mcpServers: .*names and servers/);
  assert.match(refusal(() => load("[mcp_servers.x]", { path: "config.toml" })).message, /config\.toml is TOML/);
  assert.deepEqual(loadJson({ mcpServers: {} }).servers, []);
});

test("what a client notes for itself does not change a digest", () => {
  const digest = (entry: object): string | undefined => loadJson({ mcpServers: { a: entry } }).servers[0]?.digest;
  const before = digest({ command: "x", autoApprove: [] });
  assert.equal(digest({ autoApprove: ["tool"], command: "x" }), before);
  assert.notEqual(digest({ command: "y" }), before);
});
