/** Who gets a connection for itself, and what becomes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManagerError, type Sharing } from "@mcp-manager/api";
import type { Lease, LeaseRequest, Leases } from "../../upstream/leases.ts";
import { serverResource, TestGateway } from "../testing/gateway.ts";
import { Peer } from "../testing/peer.ts";
import { ScriptedConnection, type ScriptedOptions } from "../testing/scripted-connection.ts";

/** Leases that give each taker a scripted connection, and note what is done with it. */
class ScriptedLeases implements Leases {
  readonly open = 0;
  readonly inUse = 0;
  readonly waiting = 0;
  readonly sharing: Sharing = "shared";
  readonly calls = 0;
  readonly spare = 0;
  readonly idle = 0;
  readonly requests: LeaseRequest[] = [];
  readonly released: boolean[] = [];
  readonly connections: ScriptedConnection[] = [];
  readonly #options: ScriptedOptions;
  readonly #answer: "at once" | "later" | ManagerError;

  constructor(options: ScriptedOptions, answer: "at once" | "later" | ManagerError = "at once") {
    this.#options = options;
    this.#answer = answer;
  }

  take(request: LeaseRequest): Lease | Promise<Lease> {
    this.requests.push(request);
    if (this.#answer instanceof ManagerError) return Promise.reject(this.#answer);
    const connection = new ScriptedConnection(this.#options);
    this.connections.push(connection);
    const lease: Lease = {
      connection,
      logLevel: undefined,
      waitingForClient: undefined,
      release: (clean) => void this.released.push(clean),
    };
    return this.#answer === "later" ? Promise.resolve(lease) : lease;
  }

  holds(): boolean {
    return false;
  }

  endScope(): void {}
}

const answers = { "tools/call": (call: { result(result: unknown): void }): void => call.result({ n: 1 }) };
const logs = { tools: {}, logging: {} };

function attach(gateway: TestGateway, leases: Leases, options: ScriptedOptions): ScriptedConnection {
  const connection = new ScriptedConnection(options);
  gateway.register(serverResource("weather"));
  gateway.upstreams.attach({ name: "weather-1-a", server: "weather", revision: "weather-1", connection, leases });
  return connection;
}

test("G13 a client that can be asked nothing and set no level shares the connection of all", async () => {
  await using gateway = await TestGateway.open();
  const leases = new ScriptedLeases({});
  const shared = attach(gateway, leases, { script: answers });
  const peer = new Peer(gateway.url);
  await peer.initialize();
  await peer.legacy("tools/call", { name: "weather__a" });
  await new Peer(gateway.url).modern("tools/call", { name: "weather__a" });
  assert.equal(shared.calls("tools/call").length, 2);
  assert.deepEqual(leases.requests, []);
});

for (const when of ["at once", "later"] as const) {
  test(`G13 a client that can be asked something has a connection to itself, ${when}, and gives it back clean`, async () => {
    await using gateway = await TestGateway.open();
    const leases = new ScriptedLeases({ script: answers }, when);
    const shared = attach(gateway, leases, {});
    const peer = new Peer(gateway.url);
    await peer.initialize("2025-11-25", { roots: { listChanged: true }, sampling: {} });
    const { body } = await peer.legacy("tools/call", { name: "weather__a" });
    assert.deepEqual(body?.result, { n: 1 });
    assert.deepEqual(shared.calls("tools/call"), []);
    const [request] = leases.requests;
    assert.deepEqual(request?.profile, {
      key: '{"roots":{},"sampling":{}}',
      capabilities: { roots: {}, sampling: {} },
    });
    assert.deepEqual(leases.released, [true]);
  });
}

test("a call that is given up leaves a connection that is not used again", async () => {
  await using gateway = await TestGateway.open();
  const leases = new ScriptedLeases({});
  attach(gateway, leases, {});
  const abort = new AbortController();
  const meta = { "io.modelcontextprotocol/clientCapabilities": { roots: {} } };
  const call = new Peer(gateway.url).modern("tools/call", { name: "weather__a" }, { meta, signal: abort.signal });
  await Promise.race([call, until(() => leases.connections[0]?.calls("tools/call").length === 1)]);
  abort.abort();
  await assert.rejects(call);
  await until(() => leases.released.length === 1);
  assert.deepEqual(leases.released, [false]);
});

test("when there is no connection to be had the caller is told, and nothing is sent", async () => {
  await using gateway = await TestGateway.open();
  const full = new ManagerError("unavailable", "all busy", { reason: "LEASES_EXHAUSTED", retryAfterMs: 1_000 });
  attach(gateway, new ScriptedLeases({}, full), {});
  const peer = new Peer(gateway.url);
  await peer.initialize("2025-11-25", { roots: {} });
  const { status, headers, body } = await peer.legacy("tools/call", { name: "weather__a" });
  assert.deepEqual([status, headers.get("retry-after"), body?.error?.message], [503, "1", "all busy"]);
});

test("G17 a client's log level is told on a connection of its own, and never changes what another one gets", async () => {
  await using gateway = await TestGateway.open();
  const script = {
    ...answers,
    "logging/setLevel": (call: { result(result: unknown): void }): void => call.result({}),
  };
  const leases = new ScriptedLeases({ script, capabilities: logs });
  const shared = attach(gateway, leases, { script, capabilities: logs });
  const loud = new Peer(gateway.url);
  await loud.initialize();
  await loud.legacy("logging/setLevel", { level: "debug" });
  const quiet = new Peer(gateway.url);
  await quiet.initialize();
  await loud.legacy("tools/call", { name: "weather__a" });
  await quiet.legacy("tools/call", { name: "weather__a" });
  const [own] = leases.connections;
  assert.deepEqual(
    own?.received.map(({ method, message }) => [method, message.params?.["level"]]),
    [
      ["logging/setLevel", "debug"],
      ["tools/call", undefined],
    ],
  );
  assert.deepEqual(leases.requests[0]?.profile.key, "{} log");
  assert.equal(shared.calls("logging/setLevel").length, 0);
  assert.equal(shared.calls("tools/call").length, 1);
});

/** Looks again at each turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
