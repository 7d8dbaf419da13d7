import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerSource } from "@mcp-manager/api";
import { expandReferences } from "@mcp-manager/api";
import fc from "fast-check";
import type { Lifted } from "./literal-secrets.ts";
import { liftSecrets } from "./literal-secrets.ts";

function lift(source: ServerSource): Lifted {
  let count = 0;
  return liftSecrets(source, () => `s${(count += 1)}`);
}

function liftEnv(env: Readonly<Record<string, string>>): Lifted {
  return lift({ kind: "process", command: "x", args: [], env });
}

function liftArgs(...args: readonly string[]): readonly [readonly string[], readonly string[]] {
  const { source, secrets } = lift({ kind: "process", command: "x", args, env: {} });
  assert.ok(source.kind === "process");
  return [source.args, secrets.map(({ value }) => value)];
}

/** In parts, so that no scanner takes them for real ones. */
const shaped: readonly string[] = [
  ["ghp_", "a1B2".repeat(9)],
  ["sk-proj-", "a1B2c3D4".repeat(4)],
  ["xoxb-", "123456789012-abcdefABCDEF"],
  ["AKIA", "IOSFODNN7EXAMPLE"],
  ["eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIn0.", "dozjgNryP4J3jVmNHl0w5N"],
  ["mcpm_", "ab12cd34_", "a1B2c3D4e5F6g7H8i9J0k1L2"],
  ["postgres://ada:hunter22@db.example.com/main"],
  ["b7f3a9c2d8e14f60", "b7f3a9c2d8e14f61"],
  ["Zk9vQ2xR7tYb3mWp", "5sXa8dLc1nHg4jKf"],
].map((parts) => parts.join(""));

const names =
  "TOKEN GITHUB_TOKEN API_KEY OPENAI_API_KEY apiKey tavilyApiKey CLIENT_SECRET DB_PASSWORD X-Api-Key Authorization AUTH COOKIE GITHUB_PAT accessToken GITHUBTOKEN";
const plainNames =
  "PATH HOME LOG_LEVEL PORT KEYBOARD MONKEY_NAME MAX_TOKENS TOKEN_LIMIT TOKEN_FILE AUTH_TYPE SECRET_NAME AUTHOR PASSENGER_COUNT";

test("a secret is known by its name, whatever it looks like", () => {
  for (const name of names.split(" ")) assert.equal(liftEnv({ [name]: "abc" }).secrets.length, 1, name);
  for (const name of plainNames.split(" ")) assert.equal(liftEnv({ [name]: "abc" }).secrets.length, 0, name);
});

test("and by its looks, whatever its name", () => {
  for (const value of shaped) assert.equal(liftEnv({ X: value }).secrets[0]?.value, value, value);
  const plain = [
    "https://example.com/a/long/path/with-many-words-in-it",
    "@modelcontextprotocol/server-filesystem",
    "/opt/Some/Directory1/that/is/Quite/Long/Indeed",
    "123e4567-e89b-12d3-a456-426614174000",
    "the-quick-brown-fox-jumps-over-the-lazy-dog-2",
    "info",
    "",
  ];
  for (const value of plain) assert.equal(liftEnv({ X: value }).secrets.length, 0, value);
});

test("what says what is done, a path or a reference is no secret, whatever its name", () => {
  for (const value of ["", "true", "none", "oauth", "8080", "/run/secret", "~/.key", String.raw`C:\key`])
    assert.equal(liftEnv({ TOKEN: value }).secrets.length, 0, value);
  for (const value of ["${env:X}", "Bearer ${file:/x}", "a${secret:b}"])
    assert.equal(liftEnv({ TOKEN: value }).secrets.length, 0, value);
});

test("a header keeps its scheme", () => {
  const headers = { Authorization: "Bearer abc", "X-Api-Key": "def", "X-Region": "eu" };
  const { source, secrets } = lift({ kind: "remote", url: "https://x", transport: "sse", headers });
  assert.ok(source.kind === "remote");
  assert.deepEqual(source.headers, {
    Authorization: "Bearer ${secret:s1}",
    "X-Api-Key": "${secret:s2}",
    "X-Region": "eu",
  });
  assert.deepEqual(secrets, [
    { name: "s1", field: "headers.Authorization", value: "abc" },
    { name: "s2", field: "headers.X-Api-Key", value: "def" },
  ]);
});

test("arguments are read with the option before them", () => {
  assert.deepEqual(liftArgs("-y", "pkg", "--api-key", "abc"), [["-y", "pkg", "--api-key", "${secret:s1}"], ["abc"]]);
  assert.deepEqual(liftArgs("--token=abc"), [["--token=${secret:s1}"], ["abc"]]);
  assert.deepEqual(liftArgs("-e", "API_KEY=abc"), [["-e", "API_KEY=${secret:s1}"], ["abc"]]);
  assert.deepEqual(liftArgs("--header", "Authorization:Bearer abc"), [
    ["--header", "Authorization:Bearer ${secret:s1}"],
    ["abc"],
  ]);
  assert.deepEqual(liftArgs("--header", "Authorization: Bearer abc")[1], ["abc"]);
  assert.deepEqual(liftArgs("--token", "--verbose", "-e", "TOKEN", "--auth-type", "none")[1], []);
  assert.deepEqual(liftArgs("--key-file", "/x", "https://example.com/a", "run:fast")[1], []);
});

test("what stands in arguments or in an address is said", () => {
  const { notes } = lift({ kind: "process", command: "x", args: ["--token=abc"], env: {} });
  assert.match(notes.join(), /^args\[0\] is the secret s1 now, but .* list of processes/);
  const url = "https://mcp.example.com/mcp?tavilyApiKey=hunter22&region=eu";
  const remote = lift({ kind: "remote", url, transport: "sse", headers: {} });
  assert.match(remote.notes.join(), /\(\?tavilyApiKey=…\)/);
  assert.doesNotMatch(remote.notes.join(), /hunter22|region/);
});

test("with its secrets put back, a source is what it was", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(...shaped),
    fc.constantFrom("$${x}", "Bearer a$${b}", "$", "${x}"),
  );
  const name = fc.constantFrom(...`${names} ${plainNames}`.split(" "));
  const arg = fc.oneof(
    text,
    fc.tuple(name, text).map(([key, value]) => `--${key}=${value}`),
    name.map((key) => `--${key}`),
  );
  const sources = fc.record({ args: fc.array(arg, { maxLength: 6 }), env: fc.dictionary(name, text, { maxKeys: 6 }) });
  const property = fc.property(sources, ({ args, env }) => {
    const before: ServerSource = { kind: "process", command: "x", args, env };
    const { source, secrets } = lift(before);
    assert.ok(source.kind === "process");
    const values = new Map(secrets.map((secret) => [`\${secret:${secret.name}}`, secret.value]));
    const started = (value: string): string => expandReferences(value, (ref) => values.get(ref.text) ?? ref.text);
    assert.deepEqual(source.args.map(started), args.map(started));
    for (const [key, value] of Object.entries(source.env)) assert.equal(started(value), started(env[key] ?? ""), key);
  });
  fc.assert(property, { numRuns: 1_000 });
});
