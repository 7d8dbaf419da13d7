/**
 * Opens a run of a server that runs elsewhere: nothing is started, a connection is opened. A call of the legacy era that wants to hear
 * what its server asks gets a connection for itself, which is there beside the run's and ends with it.
 */
import type { RemoteSource } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Era } from "../protocol/era.ts";
import type { LineSink, Runtime } from "../runtime/runtime.ts";
import { Beside, type BesideConnection } from "./beside.ts";
import { connectRemote } from "./connect-remote.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRequest, OpenRun } from "./run.ts";

export interface RemoteOpenerOptions {
  readonly runtime: Runtime<RemoteSource>;
  readonly clock: Clock;
  readonly random: Random;
}

type Capabilities = Readonly<Record<string, unknown>>;

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
    stderr: log,
  });
  const connect = (era: Era | undefined, capabilities: Capabilities, signal: AbortSignal): Promise<BesideConnection> =>
    connectRemote(source, { ...options, request, log, era, capabilities, signal });
  const own = await connect(request.era, {}, request.signal).catch(async (error: unknown) => {
    await running.stop();
    throw error;
  });
  const { connection } = own;
  const beside = new Beside((capabilities, signal) => connect("legacy", capabilities, signal));
  const { origin, pathname } = new URL(source.url);
  return {
    connection,
    ...(connection.facts.era === "modern" ? {} : { openAnother: beside.open }),
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
