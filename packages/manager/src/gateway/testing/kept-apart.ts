/** A server that keeps its callers apart, for tests: each of its connections is scripted alike, and they are numbered. */
import type { ServerInput, Sharing } from "@mcp-manager/api";
import { sessionScope } from "../calls/call-lease.ts";
import { ScopePool } from "../../upstream/scope-pool.ts";
import { serverResource, type TestGateway } from "./gateway.ts";
import { type Script, ScriptedConnection, type ScriptedOptions } from "./scripted-connection.ts";

/** One replica of it. */
export interface KeptApart {
  readonly pool: ScopePool;
  /** The connection that is nobody's. */
  readonly shared: ScriptedConnection;
  /** Those of callers, in the order in which they were opened. */
  readonly own: readonly ScriptedConnection[];
  /** What each was told that its client can be asked. */
  readonly told: readonly Readonly<Record<string, unknown>>[];
}

export interface KeptApartOptions extends Omit<ScriptedOptions, "script"> {
  readonly sharing: Exclude<Sharing, "shared">;
  /** What the nth connection of callers answers; the one of all is 0. */
  readonly script: (nth: number) => Script;
  readonly max?: number;
  readonly replica?: string;
  readonly spec?: Partial<ServerInput["spec"]>;
}

/** Registers the server, attaches a replica of it, and ends its sessions' connections with them. */
export function keepApart(gateway: TestGateway, name: string, options: KeptApartOptions): KeptApart {
  const { sharing, max = 4, replica = `${name}-1-a`, spec } = options;
  const own: ScriptedConnection[] = [];
  const told: Readonly<Record<string, unknown>>[] = [];
  const pool = new ScopePool({
    sharing,
    server: name,
    clock: gateway.clock,
    idleMs: 600_000,
    max: () => max,
    open(capabilities) {
      const connection = new ScriptedConnection({ ...options, script: options.script(own.length + 1) });
      own.push(connection);
      told.push(capabilities);
      return Promise.resolve({ connection, close: () => connection.close() });
    },
  });
  const shared = new ScriptedConnection({ ...options, script: options.script(0) });
  gateway.register(serverResource(name, { sharing, ...spec }));
  gateway.upstreams.attach({ name: replica, server: name, revision: `${name}-1`, connection: shared, leases: pool });
  gateway.sessions.onGone(({ id }) => pool.endScope(sessionScope(id)));
  return { pool, shared, own, told };
}
