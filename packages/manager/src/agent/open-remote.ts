/**
 * Opens a run of a server that runs elsewhere: nothing is started, a connection is opened. A call of the legacy era that wants to hear
 * what its server asks gets a session for itself, and where callers are kept apart every one does; they are there beside the run's own
 * and end with it. The modern era has no sessions: there each call is by itself.
 */
import type { RemoteSource } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { LineSink, Runtime } from "../runtime/runtime.ts";
import { Beside, type BesideConnection, listenerBeside } from "./beside.ts";
import { connectRemote, type ConnectRemoteOptions } from "./connect-remote.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRequest, OpenRun } from "./run.ts";
import { SocketTally } from "./socket-tally.ts";

export interface RemoteOpenerOptions {
  readonly runtime: Runtime<RemoteSource>;
  readonly clock: Clock;
  readonly random: Random;
}

/** `source` is the revision's own with every reference replaced. */
export async function openRemote(
  options: RemoteOpenerOptions,
  request: OpenRequest,
  source: RemoteSource,
  log: LineSink,
): Promise<OpenRun> {
  const { server, limits } = request.revision;
  const running = await options.runtime.start({
    name: request.replica,
    server,
    source,
    limits: { memoryBytes: 0, processesMax: limits.processes, cpu: limits.cpu },
    sandbox: "trusted",
    stderr: log,
  });
  const sockets = new SocketTally();
  const connect = (
    more: Pick<ConnectRemoteOptions, "era" | "capabilities" | "signal" | "onNotification">,
  ): Promise<BesideConnection> => connectRemote(source, { ...options, request, log, sockets, ...more });
  const { era, signal, onNotification } = request;
  const own = await connect({ era, capabilities: {}, signal, onNotification }).catch(async (error: unknown) => {
    await running.stop();
    throw error;
  });
  const { connection } = own;
  const beside = new Beside();
  const another = { era: "legacy", onNotification: listenerBeside(request) } as const;
  const openAnother: OpenRun["openAnother"] = (capabilities, givenUp) =>
    beside.open(givenUp, (ended) => connect({ ...another, capabilities, signal: ended }));
  const { origin, pathname } = new URL(source.url);
  return {
    connection,
    ...(connection.facts.era === "modern" ? {} : { openAnother }),
    sockets: () => sockets.counts,
    pid: undefined,
    url: `${origin}${pathname}`,
    isolation: running.isolation,
    memory: undefined,
    ended: connection.closed.then((reason) => new RunFailure("run", reason)),
    async close(graceMs) {
      await Promise.all([own.close(graceMs), beside.close(graceMs)]);
      await running.stop();
    },
  };
}
