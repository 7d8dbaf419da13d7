import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigSource } from "./config-source.ts";
import type { Flags } from "./environment.ts";

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
    readFile: read,
    readAgain: () => Promise.resolve().then(read),
  });
  return Object.assign(state, { source });
}

test("a file that says what it said is not read again, whether that was right or wrong", async () => {
  const one = run("servers: { a: { command: a } }");
  assert.equal(await one.source.file?.read(), undefined);
  one.text = "servers: { a: { command: b } }";
  assert.equal((await one.source.file?.read())?.servers[0]?.draft.name, "a");
  assert.equal(await one.source.file?.read(), undefined);
  one.text = "servers: [";
  await assert.rejects(async () => await one.source.file?.read());
  assert.equal(await one.source.file?.read(), undefined);
  one.text = "servers: { a: { command: b } }";
  assert.equal((await one.source.file?.read())?.servers.length, 1);
});

test("mistakes are told with their places, and so is a file that has gone or is empty", async () => {
  const one = run("servers: {}");
  one.text = "servers:\n  a: { comand: x }";
  await assert.rejects(async () => await one.source.file?.read(), {
    code: "invalid_argument",
    message: /etc\/servers\.yaml:2:3 servers\.a: given none of them, expected command, url or source/,
  });
  one.text = undefined;
  await assert.rejects(async () => await one.source.file?.read(), { message: /there is no such file/ });
  one.text = "\n# nothing yet\n";
  await assert.rejects(async () => await one.source.file?.read(), { message: /is empty: write "servers: \{\}"/ });
});

test("settings that are otherwise than in force are named; what a flag decides is not", async () => {
  const one = run("port: 1\nlog: { level: info }", { port: "7" });
  one.text = "port: 2\nlog: { level: debug }\nallowedHosts: [a]";
  assert.deepEqual((await one.source.file?.read())?.restart, ["allowedHosts", "log.level"]);
  one.text = "port: 3";
  assert.deepEqual((await one.source.file?.read())?.restart, []);
});

test("another text in the place of the file is read as if it stood there, under its own name", () => {
  const { source } = run("servers: {}");
  const { servers } = source.parse("servers: { a: { command: x, cwd: sub } }", "mine/new.yaml");
  assert.deepEqual(servers[0]?.draft.spec.source, {
    kind: "process",
    command: "x",
    args: [],
    env: {},
    cwd: "/srv/etc/sub",
  });
  assert.throws(() => source.parse("servers: 1", "mine/new.yaml"), { message: /mine\/new\.yaml:1:1/ });
});
