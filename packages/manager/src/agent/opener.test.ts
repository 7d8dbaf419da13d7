import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServerSource } from "@mcp-manager/api";
import { ManagerError, runnablePart, serverDefaults } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { createRuntimes } from "../runtime/runtimes.ts";
import { HttpPeer } from "../transport/testing/http-peer.ts";
import { beginStream, SsePeer } from "../transport/testing/sse-peer.ts";
import { RunFailure } from "./failure.ts";
import { createOpener } from "./opener.ts";
import type { OpenRequest, OpenRun } from "./run.ts";

const program = fileURLToPath(new URL("./testing/stdio-server.ts", import.meta.url));
let dataDir = "";

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "opener-"));
});
after(() => rm(dataDir, { recursive: true, force: true }));

function processSource(mode: string, env: Record<string, string> = {}): ServerSource {
  return { kind: "process", command: process.execPath, args: [program, mode], env };
}

interface Opening {
  readonly lines: string[];
  readonly run: Promise<OpenRun>;
}

function open(source: ServerSource, more: Partial<OpenRequest> = {}): Opening {
  const lines: string[] = [];
  const openRun = createOpener({
    runtimes: createRuntimes({
      dataDir,
      clock: systemClock,
      random: systemRandom,
      baseEnv: { PATH: process.env["PATH"] },
    }),
    clock: systemClock,
    random: systemRandom,
    resolve: async (values) => {
      if (Object.values(values).includes("${env:MISSING}")) {
        throw new ManagerError("failed_precondition", "the environment variable MISSING is not set");
      }
      const resolved = Object.entries(values).map(([name, value]) => [name, value.replace("${secret:mode}", "modern")]);
      const secrets = Object.values(values).includes("${secret:mode}") ? ["modern"] : [];
      return { values: Object.fromEntries(resolved) as Record<string, string>, secrets };
    },
    redactor: (secrets) => (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, "[redacted]"), text),
  });
  const revision = { ...runnablePart({ ...serverDefaults, source }), server: "weather", number: 1 };
  const run = openRun({
    replica: `weather-1-${systemRandom.bytes(4).toString("hex")}`,
    revision,
    era: undefined,
    startupMs: 20_000,
    log: { write: (line) => lines.push(line) },
    onNotification: () => undefined,
    onDropped: () => undefined,
    signal: new AbortController().signal,
    ...more,
  });
  return { lines, run };
}

async function failureOf(opening: Opening): Promise<RunFailure> {
  const failure: unknown = await opening.run.then(
    () => assert.fail("it opened"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof RunFailure);
  return failure;
}

test("G6 a legacy server is asked for its era in a process of its own, and serves in another", async () => {
  const { lines, run } = open(processSource("legacy"));
  const opened = await run;
  assert.equal(opened.connection.facts.era, "legacy");
  assert.equal(opened.connection.facts.serverInfo.name, "stand-in");
  await opened.close(0);
  assert.deepEqual(lines, ["started legacy", "started legacy"]);
});

test("G6 a server that bears nothing before initialize is opened all the same", async () => {
  const opened = await open(processSource("shy")).run;
  assert.equal(opened.connection.facts.era, "legacy");
  await opened.close(0);
});

test("G6 the process that turned out modern is the one that serves", async () => {
  const { lines, run } = open(processSource("modern"));
  const opened = await run;
  assert.equal(opened.connection.facts.era, "modern");
  await opened.close(0);
  assert.deepEqual(lines, ["started modern"]);
});

test("G6 a server that is known to be legacy is not asked", async () => {
  const { lines, run } = open(processSource("legacy"), { era: "legacy" });
  await (await run).close(0);
  assert.equal(lines.length, 1);
});

test("references in arguments are replaced, and masked in what the server prints", async () => {
  const { lines, run } = open(processSource("${secret:mode}"));
  const { connection, close } = await run;
  assert.equal(connection.facts.era, "modern");
  assert.deepEqual(lines, ["started [redacted]"]);
  await close(0);
});

test("what a reference stands for can end no header and no variable", async () => {
  const remote = { kind: "remote", url: "http://127.0.0.1:9/mcp", transport: "streamable-http" } as const;
  const cases: readonly (readonly [ServerSource, RegExp])[] = [
    [{ ...remote, headers: { "X-Key": "abc\r\nX-Admin: yes" } }, /^X-Key in spec\.source\.headers of server weather/],
    [
      processSource("legacy", { PEM: "line\nline", TOKEN: "abc\0--bind" }),
      /^TOKEN in spec\.source\.env of server weather/,
    ],
    [processSource("a\0b"), /^args\[1\] in spec\.source of server weather/],
  ];
  for (const [source, message] of cases) {
    const failure = await failureOf(open(source, { era: "legacy" }));
    assert.equal(failure.stage, "configure");
    assert.match(failure.message, message);
    assert.doesNotMatch(failure.message, /abc|X-Admin/);
  }
});

test("a process that exits at once is told with its status and what it wrote, secrets masked", async () => {
  const opening = open(processSource("broken", { TOKEN: "s3cr3t-t0ken" }), { era: "legacy" });
  const failure = await failureOf(opening);
  assert.equal(failure.stage, "initialize");
  assert.deepEqual(failure.exit, { code: 3, signal: undefined });
  assert.match(failure.message, /exited with status 3 before it answered initialize/);
  assert.deepEqual(opening.lines, ["cannot open the database with token [redacted]"]);
});

test("what a server says of its secrets is masked in the failure too", async () => {
  const failure = await failureOf(open(processSource("leaky", { TOKEN: "s3cr3t-t0ken" }), { era: "legacy" }));
  assert.equal(failure.stage, "initialize");
  assert.match(failure.message, /bad token \[redacted\]/);
});

test("what is quoted of a server that prints too much is masked as what it prints is", async () => {
  const told = Promise.withResolvers<ManagerError>();
  const opening = open(processSource("chatty", { TOKEN: "s3cr3t-t0ken" }), {
    era: "legacy",
    onUnhealthy: told.resolve,
  });
  const { reason, message } = await told.promise;
  assert.equal(reason, "STDOUT_NOISE");
  assert.match(message, /The last: token \[redacted\]/);
  await (await opening.run).close(0);
});

test("a process that never answers is given up in time, with what it printed instead", async () => {
  const failure = await failureOf(open(processSource("noisy"), { era: "legacy", startupMs: 1_000 }));
  assert.equal(failure.exit, undefined);
  assert.match(failure.message, /did not open at initialize: no answer within 1000 ms/);
  assert.match(failure.message, /Listening on port 3000/);
});

test("a command that is not there is a failure to start that says what to do", async () => {
  const source: ServerSource = { kind: "process", command: "no-such-program-here", args: [], env: {} };
  const failure = await failureOf(open(source));
  assert.equal(failure.stage, "start");
  assert.match(failure.message, /no-such-program-here/);
});

test("a reference that cannot be replaced is a mistake in the configuration", async () => {
  const failure = await failureOf(open(processSource("legacy", { TOKEN: "${env:MISSING}" })));
  assert.equal(failure.stage, "configure");
  assert.match(failure.message, /MISSING is not set/);
});

test("an opening that is given up leaves nothing behind", async () => {
  const giveUp = new AbortController();
  const opening = open(processSource("silent"), { era: "legacy", signal: giveUp.signal });
  while (opening.lines.length === 0) await systemClock.sleep(5);
  giveUp.abort();
  await failureOf(opening);
});

test("a run tells when its process ends", async () => {
  const opened = await open(processSource("legacy"), { era: "legacy" }).run;
  process.kill(opened.pid ?? 0, "SIGKILL");
  const failure = await opened.ended;
  assert.equal(failure.stage, "run");
  assert.equal(failure.exit?.signal, "SIGKILL");
  await opened.close(0);
});

test("a remote server is reached with its headers, and its url is shown without query", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers["x-team"] as string | undefined);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { id, method } = JSON.parse(body || "{}") as { id?: number; method?: string };
      if (id === undefined) return void response.writeHead(202).end();
      const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "far", version: "1" } };
      const answer = method === "initialize" ? { result } : { error: { code: -32601, message: "Method not found" } };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/mcp?key=1`;
  const opened = await open({ kind: "remote", url, transport: "streamable-http", headers: { "X-Team": "a" } }).run;
  assert.equal(opened.connection.facts.serverInfo.name, "far");
  assert.equal(opened.url, `http://127.0.0.1:${port}/mcp`);
  assert.ok(seen.every((team) => team === "a"));
  await opened.close(0);
  server.closeAllConnections();
  server.close();
});

test("a remote server of the older transport is reached by its stream, and by another for who can be asked something", async () => {
  const openings: string[] = [];
  await using peer = new SsePeer({
    intercept(body) {
      if (body.includes('"initialize"')) openings.push(body);
      return false;
    },
  });
  const url = `http://127.0.0.1:${await peer.listen()}/sse?key=1`;
  const opened = await open({ kind: "remote", url, transport: "sse", headers: { "X-Team": "a" } }).run;
  assert.equal(opened.connection.facts.era, "legacy");
  assert.equal(opened.url, url.replace("?key=1", ""));
  const another = await opened.openAnother?.({ elicitation: {} }, new AbortController().signal);
  assert.equal(another?.connection.closeReason, undefined);
  assert.deepEqual(
    openings.map((body) => (JSON.parse(body) as { params: { capabilities: unknown } }).params.capabilities),
    [{}, { elicitation: {} }],
  );
  assert.ok(peer.heads.every(({ headers }) => headers["x-team"] === "a"));
  await opened.close(0);
  assert.equal((await another?.connection.closed)?.reason, "CONNECTION_CLOSED");
  assert.equal((await opened.ended).stage, "run");
});

test("another connection that is given up leaves nothing behind, and the run's own stands", async () => {
  let begun = 0;
  await using peer = new SsePeer({
    begin(response, address) {
      if (++begun === 1) beginStream(response, address);
    },
  });
  const url = `http://127.0.0.1:${await peer.listen()}/sse`;
  const opened = await open({ kind: "remote", url, transport: "sse", headers: {} }).run;
  const giveUp = new AbortController();
  const another = opened.openAnother?.({}, giveUp.signal);
  while (peer.streams.size < 2) await systemClock.sleep(5);
  giveUp.abort();
  await assert.rejects(another ?? Promise.resolve(), { name: "RunFailure", stage: "initialize" });
  while (peer.streams.size > 1) await systemClock.sleep(5);
  assert.equal(opened.connection.closeReason, undefined);
  await opened.close(0);
});

test("another connection that is given up when its session is open already, but not its stream, is none", async () => {
  await using peer = new HttpPeer({
    era: "legacy",
    sessions: true,
    onGet(_request, response) {
      if (peer.gets.length === 1) response.writeHead(405).end();
    },
  });
  const url = `http://127.0.0.1:${await peer.listen()}/mcp`;
  const opened = await open({ kind: "remote", url, transport: "streamable-http", headers: {} }).run;
  const giveUp = new AbortController();
  const another = opened.openAnother?.({}, giveUp.signal);
  while (peer.gets.length < 2) await systemClock.sleep(5);
  giveUp.abort();
  await assert.rejects(another ?? Promise.resolve(), { name: "RunFailure", stage: "initialize" });
  assert.equal(opened.connection.closeReason, undefined);
  await opened.close(0);
});

test("a remote server that is not there is told in words", async () => {
  const url = "http://127.0.0.1:1/mcp";
  const failure = await failureOf(open({ kind: "remote", url, transport: "streamable-http", headers: {} }));
  assert.equal(failure.stage, "initialize");
  assert.match(failure.message, /127\.0\.0\.1:1/);
});
