import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { problem, serverOf, toldManager } from "../testing/manager.ts";
import type { Ran, Terminal } from "../testing/terminal.ts";
import { type } from "../testing/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-manager-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "args.json"), '{"city": "Bern", "days": 3}');

/** Calls tool `t` of server `s` with these words; gives the arguments that were sent, or what was said against them. */
async function sent(words: readonly string[], terminal: Terminal = {}): Promise<unknown> {
  await using manager = await toldManager({ "POST /api/v1/servers/s/tools/t/call": [[200, { content: [] }]] });
  const ran = await type(["tool", "call", "s", "t", "--url", manager.url, ...words], { cwd: folder, ...terminal });
  const [asked] = manager.asked;
  if (asked === undefined) return `${ran.status} ${ran.stderr.trimEnd()}`;
  return (JSON.parse(asked.body) as { readonly arguments: unknown }).arguments;
}

test("NAME=VALUE takes a value that is JSON as such, and any other as text", async () => {
  assert.deepEqual(
    await sent(["n=5", "s=five", 'q="5"', "l=[1,2]", "b=true", "e=", "x=a=b", "z=null", "u=https://a/?b=c"]),
    {
      ...{ n: 5, s: "five", q: "5", l: [1, 2], b: true, e: "", x: "a=b", z: null, u: "https://a/?b=c" },
    },
  );
  assert.deepEqual(await sent([]), {});
});

test("--args takes an object, a file's or what is piped in, and NAME=VALUE wins over it", async () => {
  assert.deepEqual(await sent(["--args", '{"a": 1, "b": 2}', "b=3"]), { a: 1, b: 3 });
  assert.deepEqual(await sent(["--args", "@args.json"]), { city: "Bern", days: 3 });
  assert.deepEqual(await sent(["-a", "-"], { stdin: '{"from": "stdin"}' }), { from: "stdin" });
});

test("a name may be anything, also one that objects have already", async () => {
  assert.equal(JSON.stringify(await sent(["constructor=1", "toString=2"])), '{"constructor":1,"toString":2}');
});

test("arguments that are none are refused before anything is called", async () => {
  assert.match(
    String(await sent(["city"])),
    /^2 mcp-manager: an argument is NAME=VALUE, not "city" \(see mcp-manager tool call --help\)$/,
  );
  assert.match(String(await sent(["=x"])), /^2 .*not "=x"/);
  assert.match(String(await sent(["--args", "[1]"])), /^2 .*--args takes a JSON object such as/);
  assert.match(String(await sent(["--args", "{a: 1}"])), /^2 .*--args is not JSON/);
  assert.match(String(await sent(["--args", "@none.json"])), /^2 .*cannot read none\.json, named by --args/);
});

async function answered(result: unknown, ...more: readonly string[]): Promise<Ran> {
  await using manager = await toldManager({ "POST /api/v1/servers/s/tools/t/call": [[200, result]] });
  return await type(["tool", "call", "s", "t", "--url", manager.url, ...more]);
}

test("a result is shown as its text; what is no text is named", async () => {
  const content = [
    { type: "text", text: "two\n  lines\u001B[31m" },
    { type: "image", mimeType: "image/png", data: "AAAA" },
    { type: "resource_link", uri: "file:///a" },
  ];
  const { stdout, status } = await answered({ content });
  assert.equal(status, 0);
  assert.equal(
    stdout,
    "two\n  lines\n[image image/png, 4 characters of base64; -o json shows it]\n[resource_link file:///a]\n",
  );
  assert.equal((await answered({ content: [], structuredContent: { a: 1 } })).stdout, '{\n  "a": 1\n}\n');
  assert.deepEqual(await answered({ content: [] }), {
    status: 0,
    stdout: "",
    stderr: "the tool answered without content\n",
  });
});

test("a tool that says it failed is printed like any other, with exit status 1", async () => {
  const failed = { content: [{ type: "text", text: "no such city" }], isError: true };
  assert.deepEqual(await answered(failed), {
    status: 1,
    stdout: "no such city\n",
    stderr: "mcp-manager: the tool says that it failed:\n",
  });
  const json = await answered(failed, "-o", "json");
  assert.equal(json.status, 1);
  assert.equal(json.stderr, "");
});

test("-o json is the result byte for byte, with every digit of its numbers", async () => {
  const text = '{"content":[], "big":12345678901234567890,"n":1.0}';
  assert.equal((await answered(text, "-o", "json")).stdout, `${text}\n`);
});

test("a list of all tools shows what there is, and says which servers are missing and why", async () => {
  await using manager = await toldManager({
    "GET /api/v1/servers": [[200, { items: [serverOf("a"), serverOf("b")] }]],
    "GET /api/v1/servers/a/tools": [
      [200, { items: [{ name: "echo", description: "Says it back. And more.\nMuch more." }, { name: "bare" }] }],
    ],
    "GET /api/v1/servers/b/tools": [[503, problem("unavailable", 'server "b" has no ready replica')]],
  });
  const { status, stdout, stderr } = await type(["tool", "list", "--url", manager.url]);
  assert.equal(status, 1);
  assert.equal(stdout, "SERVER  TOOL  DESCRIPTION\na       echo  Says it back.\na       bare  \n");
  assert.equal(stderr, 'mcp-manager: not listed: server "b" has no ready replica\n');
});
