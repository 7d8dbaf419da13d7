import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findTarget, isLoopback } from "./target.ts";
import { terminalIo } from "./testing/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-manager-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ["data", "other"]) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "admin.key"), `key-in-${name}\n`);
}

function target(
  env: Readonly<Record<string, string>> = {},
  options: { readonly url?: string; readonly data?: string } = {},
): ReturnType<typeof findTarget> {
  return findTarget(terminalIo({ env, cwd: folder }).io, options);
}

test("the manager is the one of --url, else of the environment, else the one on this machine", () => {
  assert.equal(target().url, "http://127.0.0.1:8080");
  assert.equal(target({ MCP_MANAGER_PORT: "9000" }).url, "http://127.0.0.1:9000");
  assert.equal(target({ MCP_MANAGER_PORT: "0" }).url, "http://127.0.0.1:8080");
  const env = { MCP_MANAGER_URL: "http://a:1", MCP_MANAGER_PORT: "9000" };
  assert.equal(target(env).url, "http://a:1");
  assert.equal(target(env, { url: "http://b:2" }).url, "http://b:2");
  assert.equal(target({ MCP_MANAGER_URL: "" }).url, "http://127.0.0.1:8080");
});

test("the key is the API key of the environment, else its admin key, else the one in the data directory", () => {
  const api = { MCP_MANAGER_API_KEY: "api" };
  const admin = { MCP_MANAGER_ADMIN_KEY: "admin" };
  assert.deepEqual(pick(target({ ...api, ...admin })), ["api", false]);
  assert.deepEqual(pick(target(admin)), ["admin", true]);
  assert.deepEqual(pick(target()), ["key-in-data", true]);
  assert.deepEqual(pick(target({ MCP_MANAGER_DATA: "other" })), ["key-in-other", true]);
  assert.deepEqual(pick(target({ MCP_MANAGER_DATA: "other" }, { data: "data" })), ["key-in-data", true]);
  assert.deepEqual(pick(target({}, { data: "nowhere" })), [undefined, false]);
});

test("the admin key of a file is shown to this machine only", () => {
  assert.equal(target({}, { url: "https://manager.example.com" }).key, undefined);
  assert.equal(target({}, { url: "http://127.0.0.1.example.com" }).key, undefined);
  assert.equal(target({ MCP_MANAGER_API_KEY: "api" }, { url: "https://manager.example.com" }).key, "api");
});

test("this machine is localhost and the loopback addresses, by address and not by how a name begins", () => {
  for (const url of ["http://localhost:1", "http://127.0.0.1", "http://127.1.2.3:4", "http://[::1]:1"])
    assert.ok(isLoopback(url), url);
  for (const url of ["http://127.0.0.1.example.com", "http://10.0.0.1", "http://localhost.example.com", "nonsense"])
    assert.ok(!isLoopback(url), url);
});

test("a key that may not be read is said to be there", { skip: process.getuid?.() === 0 && "root reads all" }, () => {
  chmodSync(join(folder, "other", "admin.key"), 0);
  assert.throws(() => target({}, { data: "other" }), /cannot read the admin key in .*EACCES/);
});

test("a key that is no file is said to be there", () => {
  mkdirSync(join(folder, "odd", "admin.key"), { recursive: true });
  assert.throws(() => target({}, { data: "odd" }), /cannot read the admin key in .*EISDIR/);
});

function pick({ key, isAdminKey }: ReturnType<typeof findTarget>): readonly unknown[] {
  return [key, isAdminKey];
}
