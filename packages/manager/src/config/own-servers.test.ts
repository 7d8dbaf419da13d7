import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { load, mistakes, refusal, sources } from "./testing/load-text.ts";

const npx = { kind: "process", command: "npx", args: ["-y", "weather"], env: {} };

test("a server is written in short, with its source, in full, or as a resource: the same comes out", () => {
  const files = [
    "servers: { weather: { command: npx, args: [-y, weather], replicas: 2, labels: { a: b } } }",
    "servers: { weather: { source: { kind: process, command: npx, args: [-y, weather] }, replicas: 2, labels: { a: b } } }",
    "servers: { weather: { labels: { a: b }, spec: { source: { kind: process, command: npx, args: [-y, weather] }, replicas: 2 } } }",
    `servers:
      - kind: Server
        metadata: { name: weather, labels: { a: b } }
        spec: { source: { kind: process, command: npx, args: [-y, weather] }, replicas: 2 }`,
    `kind: Server
metadata: { name: weather, labels: { a: b } }
spec:
  source: { kind: process, command: npx, args: [-y, weather] }
  replicas: 2
status: { state: ready }`,
    'items: [{ kind: Server, metadata: { name: weather, labels: { a: b } }, spec: { replicas: 2, source: { kind: process, command: npx, args: ["-y", "weather"] } } }]',
  ];
  const all = files.map((text) => load(text).servers);
  const [first] = all;
  for (const servers of all) {
    assert.equal(servers.length, 1);
    assert.deepEqual(servers[0]?.draft, first?.[0]?.draft);
    assert.equal(servers[0]?.digest, first?.[0]?.digest);
  }
  assert.deepEqual(first?.[0]?.draft.spec.source, npx);
  assert.deepEqual(first?.[0]?.draft.labels, { a: "b" });
  assert.equal(first?.[0]?.draft.spec.replicas, 2);
});

test("a remote server in short", () => {
  const text = 'servers: { search: { url: "https://x/mcp", headers: { Authorization: "Bearer ${file:/run/t}" } } }';
  assert.deepEqual(sources(load(text))["search"], {
    kind: "remote",
    url: "https://x/mcp",
    transport: "streamable-http",
    headers: { Authorization: "Bearer ${file:/run/t}" },
  });
});

test("a file may hold settings in one document and Servers in others", () => {
  const server = (name: string): string =>
    `kind: Server\nmetadata: { name: ${name} }\nspec: { source: { kind: process, command: a } }\n`;
  const config = load(
    `port: 1\nservers: { c: { command: c } }\n---\n${server("a")}---\n# nothing\n---\n${server("b")}`,
  );
  assert.equal(config.settings.port, 1);
  assert.deepEqual(
    config.servers.map(({ draft, origin }) => [draft.name, origin]),
    [
      ["a", { kind: "file", path: "servers.yaml", line: 4 }],
      ["b", { kind: "file", path: "servers.yaml", line: 10 }],
      ["c", { kind: "file", path: "servers.yaml", line: 2 }],
    ],
  );
});

test("an empty file, an empty section and a list of none are no servers", () => {
  for (const text of ["", "# only a comment", "servers:", "servers: {}", "servers: []", "[]"]) {
    assert.deepEqual(load(text).servers, []);
  }
});

test("shared parts can be written once", () => {
  const text = `servers:
  a: &base { command: npx, limits: { callTimeout: 5s } }
  b: { <<: *base, args: [b] }`;
  const { servers } = load(text);
  assert.deepEqual(
    servers.map(({ draft }) => draft.spec.limits.callTimeout),
    ["5s", "5s"],
  );
});

test("every mistake of every server is named with its place and in the file's own words", () => {
  const text = `servers:
  a:
    command: npx
    replicas: -1
    env:
      PORT: 8080
  b:
    labels: { "": x }
    spec:
      source: { kind: process, command: x, comand: y }
  C_D: { command: x }
  e: { command: x, url: y }
  f: npx
  g: { spec: { source: { kind: remote, url: ftp://x } } }
  h: {}`;
  assert.deepEqual(
    mistakes(() => load(text)).map((line) => line.split(" (known")[0]),
    [
      "servers.yaml:4:5 servers.a.replicas: a whole number from 0 to 64",
      'servers.yaml:6:7 servers.a.env.PORT: text (in quotes: "…")',
      'servers.yaml:8:15 servers.b.labels[""]: a label\'s name: at most 63 letters, digits, and inner . _ / -',
      "servers.yaml:10:44 servers.b.spec.source.comand: no such field; did you mean command?",
      "servers.yaml:11:3 servers.C_D: 1 to 40 lower-case letters, digits and inner hyphens, for example my-server-2",
      "servers.yaml:12:20 servers.e.url: either command or url",
      "servers.yaml:13:3 servers.f: an object with source, or with command or url",
      "servers.yaml:14:40 servers.g.spec.source.url: an http:// or https:// URL without user name, password and #fragment",
      "servers.yaml:15:3 servers.h: command, url or source",
    ],
  );
});

test("a resource without a name, of another kind, or with a name taken is refused at its place", () => {
  const text = `kind: Server
spec: { source: { kind: process, command: a } }
---
kind: Group
metadata: { name: g }
---
servers:
  a: { command: a }
---
kind: Server
metadata: { name: a }
spec: { source: { kind: process, command: a } }
`;
  assert.deepEqual(
    mistakes(() => load(text)),
    [
      "servers.yaml:1:1 metadata: an object of fields",
      "servers.yaml:4:1 kind: Server: a configuration file holds no other kind",
      "servers.yaml:8:3: another name: servers.yaml:10 has a server of this one",
    ],
  );
});

test("what is no configuration is said to be none", () => {
  assert.match(refusal(() => load("just text")).message, /servers\.yaml:1:1: given something else, expected settings/);
  assert.match(refusal(() => load("port: 1\n---\nport: 2")).message, /servers\.yaml:3:1: given a second document/);
  assert.match(refusal(() => load("servers: 5")).message, /servers\.yaml:1:1 servers: given 5, expected an object/);
});

test("secrets are in no message", () => {
  const secret = "hunter2";
  for (const server of [
    `{ command: "npx --token ${secret}" }`,
    `{ command: x, args: "--token ${secret}" }`,
    `{ command: x, args: ["\${file:${secret}}"] }`,
    `{ command: x, env: { A: [${secret}] } }`,
    `{ url: "https://u:${secret}@x/" }`,
    `{ command: x, env: "${secret}" }`,
  ]) {
    const error = refusal(() => load(`servers: { a: ${server} }`));
    assert.doesNotMatch(JSON.stringify([error.message, error.fields]), /hunter2/);
  }
});

test("a digest changes with what the file says about the server, and with nothing else", () => {
  const digest = (text: string, name = "a"): string =>
    load(text).servers.find(({ draft }) => draft.name === name)?.digest ?? assert.fail();
  const before = digest("servers: { a: { command: x, env: { A: '1', B: '2' } } }");
  for (const same of [
    "port: 1\nservers: { b: { command: y }, a: { command: x, env: { A: '1', B: '2' } } }",
    "# comment\nservers:\n  a:\n    env:\n      B: '2'\n      A: '1'\n    command: x\n",
    '{"servers": {"a": {"env": {"B": "2", "A": "1"}, "command": "x"}}}',
  ])
    assert.equal(digest(same), before);
  for (const other of [
    "servers: { a: { command: x, env: { A: '1', B: '3' } } }",
    "servers: { a: { command: x, env: { A: '1', B: '2' }, replicas: 1 } }",
    "servers: { a: { command: x, env: { A: '1', B: '2' }, labels: { l: v } } }",
  ])
    assert.notEqual(digest(other), before);
});

test("a place that is reported is where the field is, however the file is laid out", () => {
  const layout = fc.record({ before: fc.nat(5), others: fc.nat(3), indent: fc.integer({ min: 1, max: 8 }) });
  fc.assert(
    fc.property(layout, ({ before, others, indent }) => {
      const servers: Record<string, object> = {};
      for (let number = 0; number < others; number += 1) servers[`s${number}`] = { command: "x", args: ["a", "b"] };
      servers["bad"] = { command: "x", limits: { callTimeout: "never" } };
      const text = "# one\n".repeat(before) + stringify({ servers }, { indent });
      const lines = text.split("\n");
      const line = lines.findIndex((content) => content.includes("never"));
      const column = (lines[line] ?? "").indexOf("callTimeout");
      const [mistake = ""] = mistakes(() => load(text));
      assert.ok(mistake.startsWith(`servers.yaml:${line + 1}:${column + 1} servers.bad.limits.callTimeout: `), mistake);
    }),
  );
});
