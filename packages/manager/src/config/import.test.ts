/** Files as clients have them, read to be imported. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ServerSource, ServerSpec } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import fc from "fast-check";
import type { ImportableFile } from "./import.ts";
import { readImport } from "./import.ts";

function readSample(name: string): ImportableFile {
  return readImport(readFileSync(new URL(`testing/files/${name}`, import.meta.url), "utf8"), `/home/ada/${name}`);
}

function specsOf({ servers }: ImportableFile): Readonly<Record<string, ServerSpec>> {
  return Object.fromEntries(
    servers.map((server) => {
      assert.equal(server.kind, "read", server.kind === "wrong" ? server.error.message : server.name);
      return [server.name, server.draft.spec];
    }),
  );
}

function sourcesOf(file: ImportableFile): Readonly<Record<string, ServerSource>> {
  return Object.fromEntries(Object.entries(specsOf(file)).map(([name, { source }]) => [name, source]));
}

function refusalsOf(file: ImportableFile): Readonly<Record<string, string>> {
  return Object.fromEntries(
    file.servers.flatMap((server) => (server.kind === "wrong" ? [[server.name, server.error.message]] : [])),
  );
}

const npx = (...args: readonly string[]): object => ({ kind: "process", command: "npx", args: ["-y", ...args] });
const remote = (url: string, headers: object = {}): object => {
  return { kind: "remote", url, transport: "streamable-http", headers };
};

const samples: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  "claude_desktop_config.json": {
    filesystem: { ...npx("@modelcontextprotocol/server-filesystem", "/home/ada/Documents"), env: {} },
    github: {
      kind: "process",
      command: "docker",
      args: ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
      env: { GITHUB_PERSONAL_ACCESS_TOKEN: "ghp_EXAMPLEexampleEXAMPLEexampleEXAMPLE00" },
    },
    linear: {
      ...npx("mcp-remote", "https://mcp.linear.example/mcp", "--header", "Authorization:Bearer lin-not-a-real-one"),
      env: {},
    },
  },
  "cursor.mcp.json": {
    "brave-search": {
      ...npx("@modelcontextprotocol/server-brave-search"),
      env: { BRAVE_API_KEY: "BSA-not-a-real-one", MAX_TOKENS: "4096" },
    },
    context7: { ...npx("@upstash/context7-mcp", "--api-key", "ctx7-not-a-real-one"), env: {} },
    figma: remote("http://127.0.0.1:3845/sse"),
    vault: {
      kind: "process",
      command: "vault-mcp",
      args: [],
      env: { VAULT_TOKEN: "${env:VAULT_TOKEN}", VAULT_TOKEN_FILE: "/run/vault/token" },
    },
  },
  "windsurf.mcp_config.json": {
    memory: { ...npx("@modelcontextprotocol/server-memory"), env: {} },
    stripe: remote("https://mcp.stripe.example/mcp", { Authorization: "Bearer sk-not-a-real-one" }),
  },
  "vscode.mcp.json": {
    perplexity: {
      ...npx("server-perplexity-ask", "--region=eu"),
      env: { PERPLEXITY_API_KEY: "${secret:perplexity-key}" },
    },
    github: remote("https://api.githubcopilot.example/mcp/", { Authorization: "Bearer ${secret:perplexity-key}" }),
  },
  "zed.settings.json": {
    postgres: { kind: "process", command: "pg-mcp", args: ["--password=not-a-real-one"], env: {} },
  },
  "opencode.json": {
    playwright: { ...npx("@playwright/mcp"), env: { PLAYWRIGHT_TOKEN: "not-a-real-one" } },
    sentry: remote("https://mcp.sentry.example/mcp", { Authorization: "Bearer ${env:SENTRY_TOKEN}" }),
  },
  "gemini.settings.json": {
    maps: remote("https://maps.example.com/mcp", { "X-Goog-Api-Key": "AIzaNOTaREALkeyNOTaREALkeyNOTaREALkey12" }),
    weather: { kind: "process", command: "weather-mcp", args: [], env: { WEATHER_KEY: "${env:WEATHER_KEY}" } },
  },
  "codex.config.toml": {
    context7: {
      ...npx("@upstash/context7-mcp"),
      env: { HTTPS_PROXY: "${env:HTTPS_PROXY}", LANG: "${env:LANG}", CONTEXT7_TOKEN: "not-a-real-one" },
    },
    figma: remote("https://mcp.figma.example/mcp", {
      "X-Figma-Region": "us-east-1",
      "X-Figma-Secret": "not-a-real-one",
      "X-Figma-User": "${env:FIGMA_USER}",
      Authorization: "Bearer ${env:FIGMA_OAUTH_TOKEN}",
    }),
  },
};

for (const [name, sources] of Object.entries(samples)) {
  test(`${name} is read as its client means it`, () => assert.deepEqual(sourcesOf(readSample(name)), sources));
}

test("Codex's times and tools are ours", () => {
  const { context7 } = specsOf(readSample("codex.config.toml"));
  assert.deepEqual([context7?.health.startup, context7?.limits.callTimeout], ["20s", "1500ms"]);
  assert.deepEqual(context7?.expose.tools, { allow: ["search", "read"], deny: ["read"] });
});

test("what is skipped, renamed or asked for is said", () => {
  assert.deepEqual(readSample("windsurf.mcp_config.json").notes, ["server old: skipped, because it is disabled there"]);
  assert.match(readSample("zed.settings.json").notes.join(), /from-an-extension: skipped, because an extension/);
  assert.deepEqual(readSample("vscode.mcp.json").notes, [
    "${input:region} was read as its default",
    "${input:perplexity-key} was read as ${secret:perplexity-key}",
  ]);
  const projects = { "/a": { mcpServers: {} }, "/b": { mcpServers: { c: { command: "x" } } } };
  assert.deepEqual(readImport(JSON.stringify({ projects, mcpServers: {} }), "~/.claude.json").notes, [
    "~/.claude.json: servers of single projects are not read",
  ]);
  const [, github] = readSample("claude_desktop_config.json").servers;
  assert.ok(github?.kind === "read");
  assert.deepEqual(github.notes, ['this is "GitHub" in /home/ada/claude_desktop_config.json']);
});

test("an address that only the client can complete refuses its server, and no other", () => {
  const file = readSample("claude-code.mcp.json");
  assert.match(
    refusalsOf(file)["api"] ?? "",
    /server api: 2 fields are wrong: mcpServers\.api\.url: .*in args, env and/,
  );
  const kinds = Object.fromEntries(file.servers.map(({ name, kind }) => [name, kind]));
  assert.deepEqual(kinds, { api: "wrong", events: "read", db: "read" });
});

test("one bad entry refuses that entry only, with its field, and repeats no secret", () => {
  const text = JSON.stringify({
    mcpServers: {
      good: { command: "x" },
      both: { command: "x", url: "https://x" },
      number: { command: "x", env: { TOKEN: 12_345 } },
      here: { command: "x", cwd: "sub" },
    },
  });
  const refusals = refusalsOf(readImport(text, "file"));
  assert.deepEqual(Object.keys(refusals).toSorted(), ["both", "here", "number"]);
  assert.match(refusals["both"] ?? "", /mcpServers\.both\.url: given command and an address/);
  assert.match(refusals["here"] ?? "", /mcpServers\.here\.cwd: given a relative path, expected an absolute path/);
  assert.doesNotMatch(refusals["number"] ?? "", /12345/);
  const [good, here] = readImport(text, "/srv/file.json").servers.filter(({ kind }) => kind === "read");
  assert.equal(good?.name, "good");
  assert.ok(here?.kind === "read" && here.draft.spec.source.kind === "process");
  assert.equal(here.draft.spec.source.cwd, "/srv/sub");
});

test("our own forms are taken too", () => {
  const own = readImport("servers:\n  a: { command: x, labels: { team: t } }\n", "mcp-manager.yaml");
  assert.deepEqual(Object.keys(specsOf(own)), ["a"]);
  const resource = "kind: Server\nmetadata: { name: b }\nspec: { source: { kind: process, command: x } }\n";
  assert.deepEqual(Object.keys(specsOf(readImport(resource, "file"))), ["b"]);
});

test("TOML is known without its name, and a mistake in it is placed and not repeated", () => {
  assert.deepEqual(Object.keys(specsOf(readImport('[mcp_servers.a]\ncommand = "x"\n', "file"))), ["a"]);
  const refused = (text: string, message: RegExp): void =>
    assert.throws(
      () => readImport(text, "config.toml"),
      (error) => {
        assert.ok(error instanceof ManagerError);
        assert.match(error.message, message);
        return error.code === "invalid_argument" && !error.message.includes("hunter2");
      },
    );
  refused('[mcp_servers.a]\ncommand = "x"\nTOKEN = "hunter2\n', /^config\.toml:3:\d+: this cannot be read as TOML$/);
});

test("whatever stands in an entry, the file is read or refused, and a secret is repeated nowhere", () => {
  const secret = "hunter2-hunter2";
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(secret));
  const keys = "command args cwd env url headers envFile disabled env_vars http_headers bearer_token".split(" ");
  const entry = fc.oneof(
    fc.dictionary(fc.constantFrom(...keys), value),
    fc.record({ command: fc.constant("x"), args: value, env: value }),
    fc.record({ url: fc.constant("https://x/mcp"), headers: value, env_http_headers: value }),
    value,
  );
  const named = fc.dictionary(fc.string({ maxLength: 50 }), entry, { maxKeys: 4 });
  const key = fc.constantFrom("mcpServers", "servers", "mcp_servers", "context_servers");
  const property = fc.property(
    key,
    fc.oneof(named, fc.array(entry, { maxLength: 3 })),
    fc.jsonValue(),
    (at, found, inputs) => {
      const file = readImport(JSON.stringify({ inputs, [at]: found }), "file");
      for (const server of file.servers) {
        assert.ok(server.name !== "");
        if (server.kind === "wrong")
          assert.ok(!JSON.stringify([server.error.message, server.error.fields]).includes(secret));
      }
    },
  );
  fc.assert(property, { numRuns: 1_000 });
});

test("of two servers of one name the second is refused: it would undo the first", () => {
  const own = (command: string): string =>
    `kind: Server\nmetadata: { name: a }\nspec: { source: { kind: process, command: ${command} } }\n`;
  const list = '{"mcpServers":[{"name":"a","command":"x"},{"name":"a","command":"y"}]}';
  for (const [text, name] of [
    [`${own("x")}---\n${own("y")}`, "a.yaml"],
    [list, "a.json"],
  ] as const) {
    const { servers } = readImport(text, name);
    assert.deepEqual(
      servers.map(({ kind }) => kind),
      ["read", "wrong"],
    );
    assert.match(servers[1]?.kind === "wrong" ? servers[1].error.message : "", /given "a" again, expected a name of/);
  }
});

test("what is no such file is told what was looked for", () => {
  for (const [text, name] of [
    ['{"editor.fontSize": 12}', "settings.json"],
    ["hello", "notes.txt"],
    ["", "empty.json"],
    ["[]", "list.json"],
  ] as const) {
    const expected = { code: "invalid_argument", message: /no configuration of MCP servers: looked for mcpServers \(/ };
    if (text === "[]") assert.deepEqual(readImport(text, name).servers, []);
    else assert.throws(() => readImport(text, name), expected, name);
  }
});

test("a file that is too large or too deep, or has too many servers, is refused whole", () => {
  const deep = `{"mcpServers": {"a": ${"[".repeat(100_000)}`;
  assert.throws(() => readImport(deep, "file"), /file is nested deeper than a configuration is/);
  assert.throws(() => readImport(" ".repeat(1024 * 1024 + 1), "file"), /larger than 1 MiB/);
  const mcpServers = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`s${index}`, { command: "x" }]));
  assert.throws(() => readImport(JSON.stringify({ mcpServers }), "file"), /has 1001 servers: at most 1000/);
});

test("a text that was made to take long is refused like any other", () => {
  const wrong = { code: "invalid_argument" };
  assert.throws(() => readImport(`a${".a".repeat(100_000)} = 1`, "a.toml"), /a\.toml: this is nested too deeply/);
  const aliases = `a: &x 1\nb:\n${"- *x\n".repeat(50_000)}`;
  assert.throws(() => readImport(aliases, "a.yaml"), /its aliases \(\*name\) stand for too much/);
  for (const part of ['\\"', "/*"]) {
    const text = part.repeat(500_000);
    assert.throws(() => readImport(text, "a.json"), wrong, part);
    assert.throws(() => readImport(`{${text}`, "a"), wrong, part);
  }
});

test("the places of many mistakes take no longer to find than those of few", () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `s${index}`);
  const tables = names.map((name) => `[mcp_servers.${name}]\nx = 1\n`).join("");
  assert.throws(() => readImport(tables, "config.toml"), /has 20000 servers: at most 1000/);
  const entries = names.map((name) => `  ${name}: {}\n`).join("");
  assert.throws(() => readImport(`mcpServers:\n${entries}`, "a.yaml"), /has 20000 servers: at most 1000/);
});
