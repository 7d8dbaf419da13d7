import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManagerError } from "@mcp-manager/api";
import { terminalIo } from "../testing/terminal.ts";
import { readServers } from "./server-file.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-manager-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const server = (name: string): string =>
  `{ kind: Server, metadata: { name: ${name} }, spec: { source: { kind: process, command: node } } }`;

async function names(stdin: string): Promise<readonly string[]> {
  return (await readServers(terminalIo({ stdin }).io, "-")).map(({ metadata }) => metadata.name);
}

async function messageOf(stdin: string): Promise<string> {
  try {
    return `no mistake: ${(await names(stdin)).join()}`;
  } catch (error) {
    assert.ok(error instanceof ManagerError);
    assert.equal(error.code, "invalid_argument");
    return error.message;
  }
}

test("a file holds one Server, several documents, or a list as it was read", async () => {
  assert.deepEqual(await names(server("a")), ["a"]);
  assert.deepEqual(await names(`---\n${server("a")}\n---\n${server("b")}\n---\n`), ["a", "b"]);
  assert.deepEqual(await names(`items:\n  - ${server("a")}\n  - ${server("b")}`), ["a", "b"]);
  assert.deepEqual(
    await names('{"kind":"Server","metadata":{"name":"j"},"spec":{"source":{"kind":"remote","url":"https://h/mcp"}}}'),
    ["j"],
  );
});

test("a file is read relative to where the command is run", async () => {
  writeFileSync(join(folder, "a.yaml"), server("a"));
  const { io } = terminalIo({ cwd: folder });
  assert.equal((await readServers(io, "a.yaml")).length, 1);
  await assert.rejects(readServers(io, "b.yaml"), { message: "cannot read b.yaml: there is no such file" });
  await assert.rejects(readServers(io, "."), { message: "cannot read .: EISDIR" });
});

test("a mistake is named with its document, and nothing is handed out", async () => {
  assert.match(
    await messageOf(`${server("a")}\n---\n${server("B")}`),
    /^stdin \(document 2\): server B: 1 field is wrong: metadata\.name/,
  );
  for (const empty of ["", "# nothing\n", "---\n---\n", "items: []"])
    assert.match(await messageOf(empty), /^stdin is empty/);
  for (const configuration of ["servers: {}", '{"mcpServers": {}}'])
    assert.match(await messageOf(configuration), /is a configuration file, not a Server: .*mcp-manager up --config/);
});

const unreadable: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ["an open quote", 'spec: { token: "hunter2\n', /^stdin:\d+:\d+: this is not valid YAML or JSON \(missing char\)$/],
  ["a bracket", "a: 1\n] hunter2\n", /^stdin:2:1: .*\(unexpected token\)$/],
  ["a stray text", "{a: 1} hunter2\n", /^stdin:1:8: /],
  ["a name twice", "hunter2: 1\nhunter2: 2\n", /^stdin:2:1: .*\(duplicate key\)$/],
  ["an unknown tag", "a: !hunter2 1\nb: @hunter2\n", /^stdin:2:4: /],
  ["an alias of nothing", "a: *hunter2\n", /^stdin: an alias/],
];

for (const [name, text, message] of unreadable) {
  test(`a file that cannot be read (${name}) is named with its line, and not quoted`, async () => {
    const said = await messageOf(text);
    assert.match(said, message);
    assert.doesNotMatch(said, /hunter2/);
  });
}

test("a file of few lines cannot stand for millions", async () => {
  const levels = "bcdefghi".split("").map((name, index) => {
    const alias = `*${"abcdefgh"[index]}`;
    return `${name}: &${name} [${Array.from({ length: 10 }, () => alias).join(", ")}]`;
  });
  assert.match(
    await messageOf(`a: &a [x, x]\n${levels.join("\n")}\n`),
    /^stdin: an alias \(\*name\) stands for nothing, or for too much/,
  );
});
