import assert from "node:assert/strict";
import { test } from "node:test";
import { age, failureText, sourceText, withoutServer } from "./describe.ts";

test("an age is given in the two largest units that matter", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");
  const ago = (seconds: number): string => age(new Date(now - seconds * 1000).toISOString(), now);
  const wanted = { 0: "0s", 8: "8s", 75: "1m", 3600: "1h", 3720: "1h2m", 86_400: "1d", 273_600: "3d4h", [-5]: "0s" };
  for (const [seconds, text] of Object.entries(wanted)) assert.equal(ago(Number(seconds)), text);
  assert.equal(age(undefined, now), "-");
  assert.equal(age("yesterday", now), "-");
});

test("of a source the program is shown, and nothing that may be secret", () => {
  const process = (command: string, ...args: readonly string[]): string =>
    sourceText({ kind: "process", command, args, env: { TOKEN: "s3cret" } });
  assert.equal(process("npx", "-y", "@acme/weather", "--token", "s3cret"), "npx @acme/weather");
  assert.equal(process("server", "--token=s3cret"), "server");
  assert.equal(process("server"), "server");
  const remote = (url: string): string =>
    sourceText({ kind: "remote", url, transport: "streamable-http", headers: { Authorization: "s3cret" } });
  assert.equal(remote("https://host/mcp?key=s3cret#s3cret"), "https://host/mcp");
  assert.equal(remote("no url"), "remote");
});

test("a failure says its stage, its age and its message, and the server's name no second time", () => {
  const at = "2026-06-01T00:00:00Z";
  const now = Date.parse(at) + 12_000;
  const failure = { stage: "initialize", at, message: 'server "far" did not open: refused' } as const;
  assert.equal(failureText("far", failure, now), "initialize, 12s ago: did not open: refused");
  assert.equal(failureText("other", failure, now), `initialize, 12s ago: ${failure.message}`);
  assert.equal(failureText("far", undefined, now), "-");
  assert.equal(withoutServer('server "a": the command was not found', "a"), "the command was not found");
});
