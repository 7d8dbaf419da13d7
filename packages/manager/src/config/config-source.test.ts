import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../base/clock.ts";
import { readConfigFileAgain } from "./config-file.ts";
import { ConfigSource } from "./config-source.ts";
import type { Flags } from "./environment.ts";

const { signal } = new AbortController();

/** A run whose file the test writes; undefined: there is none. */
function run(first: string, flags: Flags = {}): { readonly source: ConfigSource; text: string | undefined } {
  const state = { text: first as string | undefined };
  const read = (): string => {
    if (state.text === undefined) throw Object.assign(new Error("gone"), { code: "ENOENT" });
    return state.text;
  };
  const source = new ConfigSource({
    flags: { config: "etc/servers.yaml", ...flags },
    env: {},
    cwd: "/srv",
    clock: systemClock,
    readFile: read,
    readAgain: () => Promise.resolve().then(read),
  });
  return Object.assign(state, { source });
}

test("a file that says what it said is not read again, whether that was right or wrong", async () => {
  const one = run("servers: { a: { command: a } }");
  assert.equal(await one.source.file?.read(signal), undefined);
  one.text = "servers: { a: { command: b } }";
  assert.equal((await one.source.file?.read(signal))?.servers[0]?.draft.name, "a");
  assert.equal(await one.source.file?.read(signal), undefined);
  one.text = "servers: [";
  await assert.rejects(async () => await one.source.file?.read(signal));
  assert.equal(await one.source.file?.read(signal), undefined);
  one.text = "servers: { a: { command: b } }";
  assert.equal((await one.source.file?.read(signal))?.servers.length, 1);
});

test("mistakes are told with their places, and so is a file that has gone or is empty", async () => {
  const one = run("servers: {}");
  one.text = "servers:\n  a: { comand: x }";
  await assert.rejects(async () => await one.source.file?.read(signal), {
    code: "invalid_argument",
    message: /etc\/servers\.yaml:2:3 servers\.a: given none of them, expected command, url or source/,
  });
  one.text = undefined;
  await assert.rejects(async () => await one.source.file?.read(signal), { message: /there is no such file/ });
  one.text = "\n# nothing yet\n";
  await assert.rejects(async () => await one.source.file?.read(signal), { message: /is empty: write "servers: \{\}"/ });
});

test("what is no file is not read again: a pipe would be waited for without end", async () => {
  for (const path of ["/dev/null", "/dev"])
    await assert.rejects(() => readConfigFileAgain(path), { message: "only a regular file is read again" });
});

test("settings that are otherwise than in force are named; what a flag decides is not", async () => {
  const one = run("port: 1\nlog: { level: info }", { port: "7" });
  one.text = "port: 2\nlog: { level: debug }\nallowedHosts: [a]";
  assert.deepEqual((await one.source.file?.read(signal))?.restart, ["allowedHosts", "log.level"]);
  one.text = "port: 3";
  assert.deepEqual((await one.source.file?.read(signal))?.restart, []);
});

test("another text in the place of the file is read as if it stood there, under its own name", async () => {
  const { source } = run("servers: {}");
  const { servers } = await source.parse("servers: { a: { command: x, cwd: sub } }", "mine/new.yaml", signal);
  assert.deepEqual(servers[0]?.draft.spec.source, {
    kind: "process",
    command: "x",
    args: [],
    env: {},
    cwd: "/srv/etc/sub",
  });
  await assert.rejects(() => source.parse("servers: 1", "mine/new.yaml", signal), { message: /mine\/new\.yaml:1:1/ });
});

/** So many servers that they are read in a thread. */
function many(count: number, last: string): string {
  const names = Array.from(
    { length: count },
    (_, index) => `  s${index}: { command: npx, args: [-y, "a-server@${index}"] }`,
  );
  return ["servers:", ...names, last].join("\n");
}

test("a long text says the same as a short one, and so do its mistakes, while others go on", async () => {
  const { source } = run("servers: {}");
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  const { servers } = await source.parse(many(1_000, "  last: { command: y }"), "long.yaml", signal);
  assert.ok(turns > 0);
  clearInterval(counting);
  assert.equal(servers.length, 1_001);
  assert.deepEqual(servers.at(-1), {
    ...(await source.parse("servers:\n  last: { command: y }", "long.yaml", signal)).servers[0],
    origin: { kind: "file", path: "long.yaml", line: 1_002 },
  });
  await assert.rejects(() => source.parse(many(1_000, "  last: 1"), "long.yaml", signal), {
    code: "invalid_argument",
    reason: "INVALID_CONFIG",
    message: /long\.yaml:1002:3 servers\.last: given a number/,
  });
});

test("long texts are read one after the other, those beyond what may wait are refused, and whoever has gone is not read for", async () => {
  const { source } = run("servers: {}");
  const leaving = new AbortController();
  const asked = Array.from({ length: 12 }, () => source.parse(many(1_000, ""), "long.yaml", leaving.signal));
  const outcomes = Promise.allSettled(asked);
  await assert.rejects(asked.at(-1) ?? Promise.resolve(), { code: "resource_exhausted" });
  leaving.abort(new Error("gone"));
  const words = (await outcomes).map((outcome) => (outcome.status === "rejected" ? String(outcome.reason) : "read"));
  assert.equal(words.filter((word) => word === "Error: gone").length, 9);
});
