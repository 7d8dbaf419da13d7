import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError } from "./error.ts";
import type { FieldError } from "./error.ts";
import { parseApiKey, parseServer } from "./parse.ts";
import { serverDefaults } from "./server.ts";

function server(spec: object, metadata: object = { name: "weather" }): object {
  return { kind: "Server", metadata, spec };
}

const npx = { kind: "process", command: "npx", args: ["-y", "weather"] };

function fieldsOf(input: unknown, parse: (input: unknown) => unknown = parseServer): readonly FieldError[] {
  try {
    parse(input);
  } catch (error) {
    assert.ok(error instanceof ManagerError);
    assert.equal(error.code, "invalid_argument");
    return error.fields;
  }
  return assert.fail("it was accepted");
}

/** `path: expected` of every complaint. */
function complaints(input: unknown): readonly string[] {
  return fieldsOf(input).map(({ path, expected }) => `${path}: ${expected}`);
}

test("a source is enough; all else gets the documented defaults", () => {
  const draft = parseServer(server({ source: npx }));
  assert.deepEqual(draft, {
    name: "weather",
    labels: {},
    spec: { source: { ...npx, env: {} }, ...serverDefaults },
  });
});

test("the documented defaults are these", () => {
  assert.deepEqual(serverDefaults, {
    replicas: 1,
    sharing: "shared",
    strategy: { kind: "rolling", maxSurge: 1, maxUnavailable: 0, minReady: "5s" },
    deployment: {
      progressDeadline: "10m",
      drainTimeout: "10m",
      acceptBreaking: false,
      reviewSemantic: true,
      autoRollback: true,
    },
    health: { interval: "10s", timeout: "2s", failures: 3, successes: 1, startup: "60s" },
    breaker: { enabled: true, failureRatio: 0.5, minCalls: 20, window: "30s", openFor: "5s" },
    limits: { concurrency: 64, queue: 1024, callTimeout: "60s", memory: "512MiB", processes: 64 },
    sandbox: "trusted",
    expose: {},
    auth: { kind: "none" },
  });
});

test("what was read can be sent back: registry metadata and status are ignored", () => {
  const { spec } = parseServer(server({ source: npx }));
  const read = {
    ...server(spec, { name: "weather", uid: "u", generation: 3, revision: "9", labels: {}, createdAt: "x" }),
    status: { state: "ready" },
  };
  assert.deepEqual(parseServer(read).spec, spec);
});

test("the name in the path fills a missing one and refuses another", () => {
  assert.equal(parseServer({ spec: { source: npx } }, { name: "weather" }).name, "weather");
  assert.throws(() => parseServer(server({ source: npx }, { name: "other" }), { name: "weather" }), {
    message: 'server other: 1 field is wrong: metadata.name: given "other", expected weather, the name in the path',
  });
});

test("all wrong fields are named at once, each with what was given and what is allowed", () => {
  const input = server({
    source: { kind: "process", comand: "npx", args: "-y", env: { PORT: 8080 } },
    replicas: -1,
    limits: { callTimeout: "5", memory: "1GB" },
  });
  assert.deepEqual(fieldsOf(input), [
    { path: "spec.source.command", given: "nothing", expected: "text" },
    { path: "spec.source.args", given: '"-y"', expected: "a list" },
    { path: "spec.source.env.PORT", given: "a number", expected: 'text (in quotes: "…")' },
    {
      path: "spec.source.comand",
      given: "text (not shown)",
      expected: "no such field; did you mean command? (known here: kind, command, args, cwd, env)",
    },
    { path: "spec.replicas", given: "-1", expected: "a whole number from 0 to 64" },
    { path: "spec.limits.callTimeout", given: '"5"', expected: "a duration such as 250ms, 30s, 10m or 1h" },
    { path: "spec.limits.memory", given: '"1GB"', expected: "a size such as 512KiB, 256MiB or 2GiB" },
  ]);
});

test("the message is one line a person can act on", () => {
  assert.throws(() => parseServer(server({ source: { kind: "docker" } })), {
    message: 'server weather: 1 field is wrong: spec.source.kind: given "docker", expected one of process, remote',
  });
});

test("what is not an object is said to be so", () => {
  for (const [input, given] of [
    [null, "null"],
    [[], "an empty list"],
    ["x", '"x"'],
    [undefined, "nothing"],
  ]) {
    assert.deepEqual(fieldsOf(input), [{ path: "the whole", given, expected: "an object of fields" }]);
  }
});

test("every strategy has its defaults, and what does not add up is refused by name", () => {
  const strategyOf = (strategy: object): unknown => parseServer(server({ source: npx, strategy })).spec.strategy;
  assert.deepEqual(strategyOf({ kind: "recreate" }), { kind: "recreate" });
  assert.deepEqual(strategyOf({ kind: "blue-green" }), {
    kind: "blue-green",
    autoPromote: true,
    previewFor: "0s",
    scaleDownDelay: "30s",
  });
  assert.deepEqual(strategyOf({ kind: "canary", steps: [{ weight: 10 }] }), {
    kind: "canary",
    steps: [{ weight: 10, minRequests: 0 }],
  });
  assert.deepEqual(strategyOf({ kind: "ab", match: [{ client: "claude-*" }] }), {
    kind: "ab",
    variants: [
      { revision: "current", weight: 50 },
      { revision: "next", weight: 50 },
    ],
    match: [{ client: "claude-*" }],
  });
  const wrong = (strategy: object): string => complaints(server({ source: npx, strategy })).join();
  assert.match(
    wrong({ kind: "canary", steps: [{ weight: 50 }, { weight: 10 }] }),
    /strategy\.steps: weights that rise/,
  );
  assert.match(wrong({ kind: "rolling", maxSurge: 0 }), /strategy\.maxSurge: .*nothing can be replaced/);
  const watching = (...analysis: object[]): string => wrong({ kind: "canary", steps: [{ weight: 10 }], analysis });
  assert.match(
    watching({ name: "error-rate", dryRun: true }, { name: "error-rate" }),
    /strategy\.analysis: each name once/,
  );
  assert.match(watching({ name: "crash", interval: "now" }), /strategy\.analysis\[0\]\.interval: a duration/);
  assert.match(watching({ name: "crash", interval: "0s" }), /strategy\.analysis\[0\]\.interval: at least 100ms/);
  const halves = [
    { revision: "current", weight: 50 },
    { revision: "next", weight: 60 },
  ];
  assert.match(wrong({ kind: "ab", variants: halves }), /strategy\.variants: .*add up to 100/);
});

test("words of the design that are still to come are refused by name, once each", () => {
  const notYet = (spec: object): readonly string[] => complaints(server({ source: npx, ...spec }));
  assert.deepEqual(notYet({ source: { kind: "container", image: "x" } }), [
    "spec.source.kind: process, remote (container is not available yet)",
  ]);
  assert.deepEqual(notYet({ auth: { kind: "bearer", token: "x" } }), [
    "spec.auth.kind: none; a fixed token goes into spec.source.headers as ${env:NAME} (bearer is not available yet)",
  ]);
  assert.deepEqual(notYet({ source: { ...npx, port: 9000 } }), [
    "spec.source.port: no port: a process speaks MCP on its stdin and stdout (port is not available yet)",
  ]);
});

test("a secret is in no message, wherever it was put wrongly", () => {
  const secret = "hunter2";
  const inputs = [
    server({ source: { ...npx, env: { TOKEN: [secret] } } }),
    server({ source: { ...npx, env: { TOKEN: `${secret}\0` } } }),
    server({ source: { ...npx, environment: secret } }),
    server({ source: { kind: "remote", url: `https://u:${secret}@x/mcp` } }),
    server({ source: { kind: "remote", url: "https://x/mcp", headers: { Authorization: `${secret}\n` } } }),
    server({ source: { kind: "remote", url: "https://x/mcp" }, auth: { kind: "bearer", token: secret } }),
  ];
  for (const input of inputs) {
    assert.throws(
      () => parseServer(input),
      (error) => error instanceof ManagerError && !JSON.stringify([error.message, error.fields]).includes(secret),
    );
  }
});

test("references are accepted in args, env and headers", () => {
  const env = {
    A: "${env:A}",
    B: "x ${env:B:-y} ${file:/run/b}",
    C: "$${literal}",
    D: "plain",
    E: "${secret:my-token}",
  };
  const args = ["--token=${secret:my-token}", "${env:HOME}", "echo ${HOME:-/} and ${port}"];
  const headers = { Authorization: "Bearer ${file:/run/token}" };
  assert.equal(parseServer(server({ source: { ...npx, args, env } })).spec.source.kind, "process");
  assert.equal(parseServer(server({ source: { kind: "remote", url: "http://x/mcp", headers } })).name, "weather");
});

test("references that nobody would replace are refused with what to write", () => {
  const of = (source: object): string => complaints(server({ source: { ...npx, ...source } })).join();
  assert.match(of({ env: { T: "${secret:My_Token}" } }), /the name of a Secret, as in \$\{secret:my-token\}/);
  assert.match(of({ args: ["${secret:}"] }), /spec\.source\.args\[0\]: .*the name of a Secret/);
  assert.match(of({ env: { T: "${TOKEN}" } }), /\$\{env:TOKEN\} to take it from the manager's environment/);
  assert.match(of({ env: { T: "${file:relative}" } }), /\$\{file:\/absolute\/path\}/);
  assert.match(of({ cwd: "${env:HOME}" }), /spec\.source\.cwd: .*in args, env and headers only/);
  assert.match(of({ env: { T: "(hidden)" } }), /the real value/);
});

test("a server scales by itself between two numbers, of which the lower may be none", () => {
  const scaleOf = (autoscale: unknown): unknown => parseServer(server({ source: npx, autoscale })).spec.autoscale;
  assert.deepEqual(scaleOf({ min: 0 }), { min: 0, max: 1, target: { inFlight: 8 }, idleAfter: "5m" });
  assert.deepEqual(complaints(server({ source: npx, autoscale: { min: 3, max: 2 } })), [
    "spec.autoscale: min at most max",
  ]);
});

test("a command with its arguments in one text is refused", () => {
  assert.match(complaints(server({ source: { kind: "process", command: "npx -y x" } })).join(), /go into args/);
  assert.equal(parseServer(server({ source: { kind: "process", command: "/opt/my tools/run" } })).name, "weather");
});

test("a sandbox is a level, or a level with what narrows and widens it", () => {
  const sandboxOf = (sandbox: unknown): unknown => parseServer(server({ source: npx, sandbox })).spec.sandbox;
  const rules = { level: "default", network: "none", writable: ["/srv/data"] };
  assert.deepEqual([sandboxOf(undefined), sandboxOf("strict"), sandboxOf(rules)], ["trusted", "strict", rules]);
  for (const wrong of ["none", { level: "default", network: "host" }, { level: "default", writable: ["here"] }])
    assert.throws(() => sandboxOf(wrong), ManagerError);
});

test("a remote server speaks Streamable HTTP, or the older transport where that is said", () => {
  const source = { kind: "remote", url: "https://x/sse" };
  const transportOf = (more: object): unknown => parseServer(server({ source: { ...source, ...more } })).spec.source;
  assert.deepEqual(transportOf({}), { ...source, transport: "streamable-http", headers: {} });
  assert.deepEqual(transportOf({ transport: "sse" }), { ...source, transport: "sse", headers: {} });
  assert.match(complaints(server({ source: { ...source, transport: "ws" } })).join(), /one of streamable-http, sse/);
});

test("headers that the protocol sets itself and broken URLs are refused", () => {
  const remote = (url: string, headers = {}): readonly string[] =>
    complaints(server({ source: { kind: "remote", url, headers } }));
  assert.match(remote("https://x/mcp", { "Mcp-Session-Id": "1" }).join(), /does not set itself/);
  for (const url of ["", "x", "ftp://x", "https://u:p@x", "https://x/#f"])
    assert.match(remote(url).join(), /spec\.source\.url/);
});

test("an API key gets its principal from its name, and roles that exist", () => {
  assert.deepEqual(parseApiKey({ metadata: { name: "ci" }, spec: { roles: ["caller"] } }), {
    name: "ci",
    labels: {},
    spec: { principal: "key:ci", roles: ["caller"] },
  });
  const wrong = { metadata: { name: "ci" }, spec: { roles: ["root"], expiresAt: "tomorrow" } };
  assert.deepEqual(fieldsOf(wrong, parseApiKey), [
    { path: "spec.roles[0]", given: '"root"', expected: "one of admin, operator, caller, viewer" },
    { path: "spec.expiresAt", given: '"tomorrow"', expected: "a time such as 2027-01-31T12:00:00Z" },
  ]);
});
