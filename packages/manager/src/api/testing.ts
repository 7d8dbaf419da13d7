/**
 * The REST door on a real socket over a registry in memory, for tests. The parts that other rooms supply are stand-ins of the
 * ports: tools that echo, logs from a list, keys in the registry.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiKeyDraft, CreatedApiKey, DeadLetter, Principal, RoleName } from "@mcp-manager/api";
import { isAllowed, ManagerError, parseServer } from "@mcp-manager/api";
import { systemClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { EventBus } from "../events/bus.ts";
import { BusStreams } from "../events/bus-streams.ts";
import { StoreEvents } from "../events/store-events.ts";
import { load } from "../config/testing/load-text.ts";
import { kinds } from "../registry/kinds.ts";
import { Registry } from "../registry/registry.ts";
import { openMemoryStore } from "../store/memory.ts";
import { createFront } from "./front.ts";
import type { Operations } from "./operations.ts";
import { createOperations } from "./operations.ts";
import { viewFor } from "./operations/events.ts";
import { Secrets } from "../security/secrets.ts";
import { createSealer, toSealKey } from "../security/seal.ts";
import { ServerWrites } from "./operations/server-writes.ts";
import type { Authorizer, LiveState, LogLine, LogQuery } from "./ports.ts";
import type { PerformOptions } from "./perform.ts";
import { createRest } from "./rest.ts";
import { keptLetters, keptWebhooks } from "./testing/deliveries.ts";

/** What a test asks with: the role which is its own credential here, and fetch's own options. */
export interface Ask extends RequestInit {
  /** Default `admin`; `none` sends no credential. */
  readonly role?: RoleName | "none";
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface Door extends AsyncDisposable {
  readonly url: string;
  readonly registry: Registry;
  /** What is behind the door, for another one. */
  readonly operations: Operations;
  /** What `readLogs` answers with. */
  readonly lines: LogLine[];
  /** The queries that reached the logs. */
  readonly logQueries: LogQuery[];
  /** What this instance knows beside what is stored: nothing, unless a test says so. */
  live: LiveState;
  /** What was reported as our failure. */
  readonly failures: ManagerError[];
  /** Servers whose calls an answer waited for. */
  readonly followed: readonly string[];
  /** What could not be delivered, by name. */
  readonly letters: Map<string, DeadLetter>;
  readonly bus: EventBus;
  ready: string | undefined;
  ask(path: string, options?: Ask): Promise<Response>;
  /** Asks and reads the answer as JSON. */
  read(path: string, options?: Ask): Promise<Record<string, unknown>>;
}

function principalOf(role: string): Principal {
  return { name: `key:${role}`, roles: [role] };
}

/** Opens the door on a free port. */
export async function openDoor({ vouching }: Pick<PerformOptions, "vouching"> = {}): Promise<Door> {
  const clock = systemClock;
  const random = seededRandom(1);
  const store = await openMemoryStore({ clock, random });
  const registry = new Registry({ store, clock, random });
  const authorizer: Authorizer = { allows: isAllowed };
  const lines: LogLine[] = [];
  const logQueries: LogQuery[] = [];
  const failures: ManagerError[] = [];
  const keys = registry.resources(kinds.ApiKey);
  const overrides = registry.informer(kinds.Override);
  overrides.start();
  await overrides.synced;
  let live: LiveState = { server: () => undefined, replica: () => undefined, events: () => [] };
  const bus = new EventBus({ clock });
  const storeEvents = new StoreEvents({ registry, bus, clock, random });
  await storeEvents.start();
  const streams = new BusStreams({ bus, registry, clock, leastView: viewFor([]) });
  const followed: string[] = [];
  const letters = new Map<string, DeadLetter>();
  const deadLetters = keptLetters(letters);
  const operations = createOperations({
    streams,
    webhooks: keptWebhooks(registry),
    deadLetters,
    replays: deadLetters,
    registry,
    authorizer,
    secrets: new Secrets(registry, createSealer([toSealKey(random.bytes(32))], clock, random)),
    writes: new ServerWrites(registry),
    live: {
      server: (name) => live.server(name),
      replica: (server, name) => live.replica(server, name),
      events: (server, count) => live.events(server, count),
    },
    overrides,
    clock,
    routed(server) {
      followed.push(server);
      return Promise.resolve();
    },
    compareCatalogues: (from, to) => ({
      class: from.spec.digest === to.spec.digest ? "none" : "additive",
      changes: [],
    }),
    // Servers by name; what is no source is a mistake of its own.
    readImport: (text) => ({
      servers: Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, source]) => {
        try {
          return { kind: "read", name, draft: parseServer({ metadata: { name }, spec: { source } }), notes: [] };
        } catch (error) {
          return { kind: "wrong", name, error: ManagerError.from(error) };
        }
      }),
      notes: ["read by a stand-in"],
    }),
    health: {
      version: "1.2.3",
      startedAt: "2027-01-01T00:00:00Z",
      store: () => "ok",
      overload: () => undefined,
      config: () => undefined,
    },
    tools: {
      async list(server) {
        await registry.resources(kinds.Server).require(server);
        return [{ name: "echo", inputSchema: { type: "object" } }];
      },
      async call(server, tool, given) {
        await registry.resources(kinds.Server).require(server);
        if (tool === "broken") throw new Error("secret detail");
        if (tool === "unknown")
          throw new ManagerError("not_found", `server "${server}" has no tool "${tool}"`, { server });
        return Buffer.from(`{"content":[],"structuredContent":${JSON.stringify(given)}}`);
      },
    },
    logs: {
      async *read(query) {
        logQueries.push(query);
        yield* lines;
        if (query.follow) await once(query.signal, "abort");
      },
    },
    configText: {
      file: "/srv/servers.yaml",
      parse: async (text, path) => ({ servers: load(text, { path }).servers, restart: [] }),
    },
    apiKeys: {
      list: async () => (await keys.list()).items,
      get: (name) => keys.get(name),
      create: async ({ name, labels, spec }: ApiKeyDraft): Promise<CreatedApiKey> => ({
        ...(await keys.create({ name, labels, spec })),
        key: "mcpm_secret",
      }),
      delete: (name) => keys.delete(name),
    },
  });
  const onFailure = (_name: string, error: ManagerError): void => void failures.push(error);
  const lasting = vouching === undefined ? {} : { vouching };
  const rest = createRest({ operations, authorizer, clock, onFailure, ...lasting });
  let ready: string | undefined;
  const probes = { notReady: () => ready, metrics: () => "mcp_manager_up 1\n" };
  const front = createFront({ rest, probes, authorizer });
  const server = createServer((request, response) => {
    const role = request.headers.authorization?.replace("Bearer ", "");
    front(request, response, role === undefined ? undefined : principalOf(role));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ask = (path: string, { role = "admin", json, ...init }: Ask = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (role !== "none") headers.set("authorization", `Bearer ${role}`);
    if (json === undefined) return fetch(url + path, { ...init, headers });
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return fetch(url + path, { ...init, headers, body: JSON.stringify(json) });
  };

  return {
    url,
    registry,
    operations,
    lines,
    logQueries,
    failures,
    followed,
    letters,
    bus,
    get live() {
      return live;
    },
    set live(value) {
      live = value;
    },
    get ready() {
      return ready;
    },
    set ready(value) {
      ready = value;
    },
    ask,
    read: async (path, options) => (await (await ask(path, options)).json()) as Record<string, unknown>,
    async [Symbol.asyncDispose]() {
      streams[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
      await overrides[Symbol.asyncDispose]();
      await storeEvents[Symbol.asyncDispose]();
      await store.close();
    },
  };
}
