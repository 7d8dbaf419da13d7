/** Connections beside a run's own: real processes whose servers ask their clients something, and real sessions. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServerSource, Sharing } from "@mcp-manager/api";
import { runnablePart, serverDefaults } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { Semaphore } from "../base/semaphore.ts";
import { createRuntimes } from "../runtime/runtimes.ts";
import { children, isAlive, noProc, until } from "../runtime/testing/platform.ts";
import type { Era } from "../protocol/era.ts";
import type { Connection } from "../transport/connection.ts";
import { AskedSink, startWith } from "../transport/testing/calls.ts";
import { UpstreamSet } from "../upstream/upstream-set.ts";
import { RunFailure } from "./failure.ts";
import { type LeasingHost, withLeases } from "./leasing-run.ts";
import { createOpener } from "./opener.ts";
import { SpareBudget } from "./spare-budget.ts";
import type { AnotherConnection, OpenRun } from "./run.ts";

const unless = { skip: noProc ?? false };
const program = fileURLToPath(new URL("./testing/stdio-server.ts", import.meta.url));
const askable = { elicitation: { form: {} } };
const noSignal = new AbortController().signal;
let dataDir = "";

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "open-another-"));
});
after(() => rm(dataDir, { recursive: true, force: true }));

interface Opened {
  readonly run: OpenRun;
  /** What the server and its like wrote to stderr. */
  readonly lines: string[];
  /** Methods of the notifications that belong to no call. */
  readonly notified: string[];
}

async function open(source: ServerSource, era: Era = "legacy", sharing: Sharing = "shared"): Promise<Opened> {
  const lines: string[] = [];
  const notified: string[] = [];
  const clock = systemClock;
  const random = systemRandom;
  const baseEnv = { PATH: process.env["PATH"] };
  const run = await createOpener({
    runtimes: createRuntimes({ dataDir, clock, random, baseEnv }),
    clock,
    random,
    resolve: async (values) => ({ values, secrets: [] }),
    redactor: () => (text) => text,
  })({
    replica: `weather-1-${random.bytes(4).toString("hex")}`,
    revision: { ...runnablePart({ ...serverDefaults, source, sharing }), server: "weather", number: 1 },
    era,
    startupMs: 20_000,
    log: { write: (line) => lines.push(line) },
    onNotification: (_message, method) => notified.push(method),
    onDropped: () => undefined,
    signal: noSignal,
  });
  return { run, lines, notified };
}

function processSource(mode: string): ServerSource {
  return { kind: "process", command: process.execPath, args: [program, mode], env: {} };
}

async function another(run: OpenRun, signal = noSignal): Promise<AnotherConnection> {
  return await (run.openAnother?.(askable, signal) ?? assert.fail("it opens no other"));
}

/** What lending needs: so many spares, and what it says among the server's own lines. */
function hostWith(lines: string[], spares: number): LeasingHost {
  return {
    clock: systemClock,
    random: systemRandom,
    spares: { count: spares, budget: new SpareBudget(8) },
    leasesMax: () => undefined,
    upstreams: new UpstreamSet(),
    starts: new Semaphore(2),
    log: { write: (line: string) => lines.push(line) },
  };
}

interface Told {
  readonly pid: number;
  readonly capabilities: unknown;
  readonly answer: unknown;
}

/** What a server says of itself and its client after it has been answered `city`. */
async function told(connection: Connection, city: string): Promise<Told> {
  const sink = new AskedSink((question) => {
    const id = question.raw("id")?.toString() ?? "";
    const result = { action: "accept", content: { city } };
    connection.notify(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`));
  });
  const response = await startWith(sink, connection, "forecast").sink.response();
  return (JSON.parse(response) as { result: { structuredContent: Told } }).result.structuredContent;
}

test(
  "another connection is a process of its own whose server knows whom it may ask, and asks the one call",
  unless,
  async () => {
    const { run, lines } = await open(processSource("asks"));
    const others = [await another(run), await another(run)];
    const answers = await Promise.all(others.map(({ connection }, at) => told(connection, `city ${at}`)));
    for (const [at, { capabilities, answer }] of answers.entries()) {
      assert.deepEqual(capabilities, askable);
      assert.deepEqual(answer, { action: "accept", content: { city: `city ${at}` } });
    }
    const pids = [run.pid ?? 0, ...answers.map(({ pid }) => pid)];
    assert.equal(new Set(pids).size, 3);
    assert.deepEqual(lines, ["started asks", "started asks", "started asks"]);
    await others[0]?.close(0);
    assert.deepEqual(pids.map(isAlive), [true, false, true]);
    await run.close(0);
    assert.deepEqual(pids.map(isAlive), [false, false, false]);
  },
);

test("the end of another process is not the end of the run", unless, async () => {
  const { run } = await open(processSource("asks"));
  const other = await another(run);
  const { pid } = await told(other.connection, "Bern");
  process.kill(pid, "SIGKILL");
  await other.connection.closed;
  await other.close(0);
  assert.equal(run.connection.closeReason, undefined);
  await run.close(0);
});

test("another opening that is given up, or overtaken by the end of the run, leaves no process", unless, async () => {
  for (const end of ["given up", "closed"]) {
    const { run, lines } = await open(processSource("wary"));
    const giveUp = new AbortController();
    const refused = assert.rejects(another(run, giveUp.signal), RunFailure);
    await until(() => lines.length === 2);
    if (end === "closed") await run.close(0);
    else giveUp.abort();
    await refused;
    await run.close(0);
    assert.deepEqual(children(), []);
  }
});

test("a modern server needs no other connection, unless it keeps its callers apart", unless, async () => {
  const { run } = await open(processSource("modern"), "modern");
  assert.equal(run.openAnother, undefined);
  await run.close(0);
  const apart = await open(processSource("modern"), "modern", "per-principal");
  const other = await another(apart.run);
  assert.equal(other.connection.facts.era, "modern");
  assert.deepEqual(apart.lines, ["started modern", "started modern"]);
  await apart.run.close(0);
  assert.deepEqual(children(), []);
});

test("a process that was started ahead is told its client when one comes, and ends with the run", unless, async () => {
  const { run, lines } = await open(processSource("asks"));
  const start = run.startAnother ?? assert.fail("it starts none");
  const [used, unused] = [await start(noSignal), await start(noSignal)];
  await until(() => lines.length === 3);
  const { connection } = await used.open(askable, noSignal);
  assert.deepEqual((await told(connection, "Bern")).capabilities, askable);
  assert.equal(lines.length, 3, "nothing else was started");
  await unused.end();
  await run.close(0);
  await used.gone;
  assert.deepEqual(children(), []);
});

test("the first call of a new client finds a process started, and another takes its place", unless, async () => {
  const { run, lines } = await open(processSource("asks"));
  const lending = withLeases(run, "weather", "shared", hostWith(lines, 1));
  await until(() => lending.leases?.spare === 1 && lines.length === 2);
  const request = { profile: { key: "asks", capabilities: askable }, principal: "ann", waitMs: 20_000 };
  const lease = await (lending.leases?.take(request) ?? assert.fail());
  await told(lease.connection, "Bern");
  // One for the next client of the profile, and a new spare.
  await until(() => lending.leases?.spare === 2 && lines.length === 4);
  lease.release(true);
  await lending.close(1_000);
  assert.deepEqual(children(), []);
});

test(
  "calls of one run that lends its connections get their own process each, and none is left when it closes",
  unless,
  async () => {
    const { run, lines } = await open(processSource("asks"));
    const lending = withLeases(run, "weather", "shared", hostWith(lines, 0));
    const profile = { key: "asks", capabilities: askable };
    const call = async (city: string): Promise<Told> => {
      const lease = await (lending.leases?.take({ profile, principal: "ann", waitMs: 20_000 }) ?? assert.fail());
      const answer = await told(lease.connection, city);
      lease.release(true);
      return answer;
    };
    const cities = ["Bern", "Biel", "Brig"];
    const answers = await Promise.all(cities.map(call));
    assert.deepEqual(
      answers.map(({ answer }) => (answer as { content: { city: string } }).content.city),
      cities,
    );
    const again = await call("Basel");
    assert.ok(answers.some(({ pid }) => pid === again.pid));
    await lending.close(1_000);
    assert.deepEqual([run.pid ?? 0, ...answers.map(({ pid }) => pid)].filter(isAlive), []);
  },
);

test("G9 another connection to a remote server is a session of its own, which is ended", async () => {
  const seen: { readonly verb: string; readonly session: unknown; readonly capabilities?: unknown }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    const session = request.headers["mcp-session-id"];
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { id, method, params } = JSON.parse(body || "{}") as {
        readonly id?: number;
        readonly method?: string;
        readonly params?: { readonly capabilities?: unknown };
      };
      if (request.method === "DELETE") seen.push({ verb: "DELETE", session });
      if (method !== "initialize") return void response.writeHead(request.method === "GET" ? 405 : 202).end();
      seen.push({ verb: "initialize", session, capabilities: params?.capabilities });
      const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "far", version: "1" } };
      response.writeHead(200, { "content-type": "application/json", "mcp-session-id": `s-${seen.length}` });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const { run } = await open({ kind: "remote", url, transport: "streamable-http", headers: {} });
  const other = await another(run);
  await other.close(0);
  await until(() => seen.length === 3);
  assert.equal(run.connection.closeReason, undefined);
  await another(run);
  await run.close(0);
  await until(() => seen.length === 6);
  assert.deepEqual(seen.slice(0, 4), [
    { verb: "initialize", session: undefined, capabilities: {} },
    { verb: "initialize", session: undefined, capabilities: askable },
    { verb: "DELETE", session: "s-2" },
    { verb: "initialize", session: undefined, capabilities: askable },
  ]);
  assert.deepEqual(new Set(seen.slice(4).map(({ session }) => session)), new Set(["s-1", "s-4"]));
  server.closeAllConnections();
  server.close();
});
