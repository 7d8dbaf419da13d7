/** What is wrong is refused with its cause and what to do, changes nothing, and disturbs nobody else. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli } from "./testing/cli.ts";
import { configOf, sourceOf } from "./testing/fixtures.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { startManager, until } from "./testing/manager.ts";
import type { SendOptions } from "./testing/mcp.ts";
import { initialize, request, send } from "./testing/mcp.ts";

let folder: string;
let manager: ManagerProcess;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mcp-manager-bad-"));
  manager = await startManager({
    config: configOf({
      plain: { mode: "plain" },
      exits: { mode: "broken" },
      garbage: { mode: "babble", spec: { health: { startup: "1s" } } },
      silent: { mode: "silent", spec: { health: { startup: "1s" } } },
      missing: { mode: "plain", spec: { source: { kind: "process", command: "no-such-program" } } },
    }),
  });
  await manager.serversReady("plain");
});
after(() => rm(folder, { recursive: true, force: true }));
after(() => manager[Symbol.asyncDispose]());

// --- starting

const configurations: readonly (readonly [name: string, text: string | undefined, said: readonly RegExp[]])[] = [
  [
    "a file that is not there",
    undefined,
    [/^mcp-manager: cannot read the configuration file .*: there is no such file$/],
  ],
  [
    "a syntax error, with its line",
    "port: 8080\nservers:\n  a: { command: node\n  b: 1\n",
    [/^mcp-manager: .*bad\.yaml:4:\d+: .*bracket/, /^ {2}4 \| {3}b: 1$/, /\^$/],
  ],
  [
    "a setting that there is not, with the nearest",
    "gateway: { bodysize: 1MiB }\n",
    [/1 mistake:$/, /bad\.yaml:1:12 gateway\.bodysize: .*did you mean bodySize\?/],
  ],
  [
    "all mistakes of all servers at once",
    "servers:\n  a: { comand: node }\n  b: { command: node, replicas: many }\n  C_D: { command: node }\n",
    [/ mistakes:$/, /:2:3 servers\.a: .*comand meant to be command\?/, /:3:23 servers\.b\.replicas: given "many"/],
  ],
];

for (const [name, text, said] of configurations) {
  test(`up refuses ${name}, and makes nothing`, async () => {
    const path = join(folder, "bad.yaml");
    if (text !== undefined) await writeFile(path, text);
    const data = join(folder, "never");
    const { status, stdout, stderr } = await cli(undefined, ["up", "--config", path, "--data", data, "--port", "0"]);
    await rm(path, { force: true });
    assert.deepEqual([status, stdout], [2, ""]);
    const lines = stderr.trimEnd().split("\n");
    for (const one of said)
      assert.ok(
        lines.some((line) => one.test(line)),
        `${one} in:\n${stderr}`,
      );
    assert.ok(!existsSync(data));
  });
}

test("up on a port that another program has says so", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  const { port } = await new Promise<AddressInfo>((resolve) =>
    other.on("listening", () => resolve(other.address() as AddressInfo)),
  );
  const ran = await cli(undefined, ["up", "--data", join(folder, "port"), "--port", String(port)]);
  other.close();
  assert.deepEqual([ran.status, ran.stdout], [1, ""]);
  assert.match(
    ran.stderr,
    new RegExp(`^mcp-manager: cannot listen on 127\\.0\\.0\\.1:${port}: another program listens there`, "m"),
  );
});

test("up with a data directory that cannot be made says so", async () => {
  await writeFile(join(folder, "file"), "");
  const ran = await cli(undefined, ["up", "--data", join(folder, "file", "data"), "--port", "0"]);
  assert.deepEqual([ran.status, ran.stdout], [1, ""]);
  assert.match(ran.stderr, /^mcp-manager: .*\/file\/data.*ENOTDIR/m);
});

test("a second up on the same data directory is refused, and the first serves on", async () => {
  const ran = await cli(undefined, ["up", "--data", manager.dataDir, "--port", "0"]);
  assert.deepEqual([ran.status, ran.stdout], [1, ""]);
  assert.match(ran.stderr, /^mcp-manager: the data directory .* is in use by another manager/m);
  await assertServing();
});

// --- REST

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly status: number;
  readonly errors?: readonly { readonly path: string; readonly given: string; readonly expected: string }[];
  readonly current?: { readonly metadata: { readonly name: string } };
}

interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask({ method = "PUT", path, body, headers }: Ask): Promise<{ problem: Problem; response: Response }> {
  const response = await fetch(manager.url + path, {
    method,
    headers: { authorization: `Bearer ${manager.key}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  assert.equal(response.headers.get("content-type")?.split(";")[0], "application/problem+json");
  return { problem: (await response.json()) as Problem, response };
}

const path = "/api/v1/servers/new";
const good = { kind: "Server", metadata: { name: "new" }, spec: { source: sourceOf("plain") } };

const refusals: readonly (readonly [name: string, ask: Ask, status: number, code: string, detail: RegExp])[] = [
  ["JSON that is none", { path, body: '{"kind": ' }, 400, "invalid_argument", /JSON/],
  ["no body", { path }, 400, "invalid_argument", /./],
  ["an oversized body", { path, body: "x".repeat(2_000_000) }, 413, "invalid_argument", /longer than 1048576 bytes/],
  [
    "another content type",
    { path, body: good, headers: { "content-type": "text/yaml" } },
    415,
    "invalid_argument",
    /text\/yaml: send application\/json/,
  ],
  [
    "a server that is not there",
    { method: "GET", path: "/api/v1/servers/nowhere" },
    404,
    "not_found",
    /server "nowhere" does not exist/,
  ],
  ["a path that is not there", { method: "GET", path: "/api/v1/serverz" }, 404, "not_found", /serverz/],
  ["no credential", { path, body: good, headers: { authorization: "" } }, 401, "unauthenticated", /./],
  [
    "a wrong credential",
    { path, body: good, headers: { authorization: "Bearer mcpm_wrong" } },
    401,
    "unauthenticated",
    /./,
  ],
  [
    "another name than the path's",
    { path, body: { ...good, metadata: { name: "other" } } },
    400,
    "invalid_argument",
    /metadata\.name: given "other", expected new/,
  ],
  [
    "a query that it does not know",
    { method: "GET", path: "/api/v1/servers?limt=3" },
    400,
    "invalid_argument",
    /did you mean limit\?/,
  ],
];

for (const [name, asked, status, code, detail] of refusals) {
  test(`REST refuses ${name} with ${status}, and changes nothing`, async () => {
    await unchangedBy(async () => {
      const { problem, response } = await ask(asked);
      assert.deepEqual([response.status, problem.status, problem.code], [status, status, code]);
      assert.match(problem.detail, detail);
      if (status === 401) assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
    });
  });
}

test("REST names every wrong field: where, what was given, and what is expected", async () => {
  await unchangedBy(async () => {
    const spec = { source: { kind: "process", command: 7, env: { TOKEN: 5 } }, replicas: "two", limts: {} };
    const { problem, response } = await ask({ path, body: { ...good, spec } });
    assert.deepEqual([response.status, problem.code], [400, "invalid_argument"]);
    const given = Object.fromEntries((problem.errors ?? []).map((error) => [error.path, error]));
    assert.deepEqual(Object.keys(given).toSorted(), [
      "spec.limts",
      "spec.replicas",
      "spec.source.command",
      "spec.source.env.TOKEN",
    ]);
    assert.deepEqual(given["spec.replicas"], {
      path: "spec.replicas",
      given: '"two"',
      expected: "a whole number from 0 to 64",
    });
    assert.match(given["spec.limts"]?.expected ?? "", /no such field; did you mean limits\?/);
    assert.doesNotMatch(given["spec.source.env.TOKEN"]?.given ?? "", /5/);
  });
});

test("REST refuses a change under If-Match that came too late, and shows what is there", async () => {
  await unchangedBy(async () => {
    const { spec } = await manager.client.servers.get("plain");
    const { problem, response } = await ask({
      path: "/api/v1/servers/plain",
      body: { kind: "Server", metadata: { name: "plain" }, spec: { ...spec, replicas: 3 } },
      headers: { "if-match": '"1"' },
    });
    assert.deepEqual([response.status, problem.code], [412, "conflict"]);
    assert.equal(problem.current?.metadata.name, "plain");
  });
});

test("REST refuses a caller who would define a process", async () => {
  const { key } = await manager.client.apiKeys.create({ metadata: { name: "caller" }, spec: { roles: ["caller"] } });
  const operator = await manager.client.apiKeys.create({ metadata: { name: "op" }, spec: { roles: ["operator"] } });
  await unchangedBy(async () => {
    for (const bearer of [key, operator.key]) {
      const { problem, response } = await ask({ path, body: good, headers: { authorization: `Bearer ${bearer}` } });
      assert.deepEqual([response.status, problem.code], [403, "permission_denied"]);
    }
  });
});

// --- MCP

const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
const modern = {
  jsonrpc: "2.0",
  id: 1,
  method: "tools/list",
  params: {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "wire", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  },
};
const modernHeaders = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };

const wireRefusals: readonly (readonly [
  name: string,
  message: unknown,
  options: SendOptions,
  status: number,
  code: number,
])[] = [
  ["JSON that is none", '{"jsonrpc": ', {}, 400, -32700],
  ["a message that is no request", { hello: 1 }, {}, 400, -32600],
  ["an oversized body", `"${"x".repeat(5_000_000)}"`, {}, 413, -32600],
  ["a server that is not there", ping, { path: "/servers/nowhere/mcp" }, 404, 404],
  ["a session that is not there", ping, { session: "nonsense" }, 404, -32600],
  ["no credential", ping, { headers: { authorization: "" } }, 401, 401],
  [
    "a header that says another method than the body",
    modern,
    { headers: { ...modernHeaders, "mcp-method": "tools/call" } },
    400,
    -32020,
  ],
  [
    "a header that says another version than the body",
    modern,
    { headers: { ...modernHeaders, "mcp-protocol-version": "2025-11-25" } },
    400,
    -32020,
  ],
];

for (const [name, message, options, status, code] of wireRefusals) {
  test(`MCP refuses ${name} with ${status} and code ${code}`, async () => {
    await unchangedBy(async () => {
      const answer = await send(manager, message, options);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.json().error?.code, code, answer.text);
    });
  });
}

test("the message that these refusals spoil is answered when it is whole", async () => {
  assert.equal((await send(manager, modern, { headers: modernHeaders })).status, 200);
});

// --- servers that do not work

const failures: readonly (readonly [name: string, stage: string, cause: RegExp, stderr: string | undefined])[] = [
  ["exits", "initialize", /exited with status 3 before it answered initialize/, "no licence found"],
  ["garbage", "initialize", /on stdout, where only messages belong, it wrote "hello\?"/, "cannot speak MCP"],
  ["silent", "initialize", /no answer within 1000 ms/, "started silent"],
  ["missing", "start", /the command "no-such-program" was not found on the PATH/, undefined],
];

for (const [name, stage, cause, stderr] of failures) {
  test(`server "${name}" does not work, and every door says why`, async () => {
    await until("it has failed", async () => {
      const { status } = await manager.client.servers.get(name);
      return status.lastFailure !== undefined && (stderr === undefined || status.lastFailure.stderr !== undefined);
    });
    const { lastFailure } = (await manager.client.servers.get(name)).status;
    assert.equal(lastFailure?.stage, stage);
    assert.match(lastFailure.message, cause);
    if (stderr !== undefined)
      assert.ok(
        lastFailure.stderr?.some((line) => line.includes(stderr)),
        name,
      );

    const shown = await cli(manager, ["server", "get", name]);
    assert.match(shown.stdout, new RegExp(`^Last failure: +${stage}, .* ago: .*${cause.source}`, "m"));
    if (stderr !== undefined) assert.match(shown.stdout, new RegExp(`^ {2}\\| .*${stderr}`, "m"));

    const session = await initialize(manager);
    const call = await request(manager, session, "tools/call", { name: `${name}__echo`, arguments: {} });
    const { error } = call.json();
    assert.equal(error?.code, 503, call.text);
    assert.match(error.message, cause);
  });
}

/** Runs `disturb` and finds every resource as it was before, and the server that works still working. */
async function unchangedBy(disturb: () => Promise<void>): Promise<void> {
  const earlier = await resources();
  await disturb();
  assert.deepEqual(await resources(), earlier);
  await assertServing();
}

async function resources(): Promise<unknown> {
  const { servers, apiKeys } = manager.client;
  const list = await servers.list();
  return {
    servers: list.items.map(({ metadata, spec }) => ({ metadata, spec })),
    keys: (await apiKeys.list()).items.map(({ metadata, spec }) => ({ metadata, spec })),
  };
}

async function assertServing(): Promise<void> {
  const result = await manager.client.tools.call("plain", "slow", { ms: 0 });
  assert.deepEqual(result, { content: [{ type: "text", text: "done" }] });
}
