/** Opens a run of a server that runs elsewhere: nothing is started, a connection is opened over HTTP. */
import type { RemoteSource } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { LineSink, Runtime } from "../runtime/runtime.ts";
import { HttpOrigin } from "../transport/http-origin.ts";
import { openHttp } from "../transport/http-open.ts";
import { RunFailure } from "./failure.ts";
import { noiseLine } from "./noise-line.ts";
import type { OpenRequest, OpenRun } from "./run.ts";

export interface RemoteOpenerOptions {
  readonly runtime: Runtime<RemoteSource>;
  readonly clock: Clock;
}

/** Connections to one server at most: as many calls as it may have in flight by default, and some streams. */
const connectionsMax = 256;
const idleTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;
const headerBytesMax = 65_536;
/** Largest message taken from a server when it has to be held whole. */
const messageBytesMax = 64 * 1024 * 1024;
/** A server that was reached has this long for each answer of the opening. */
const answerTimeoutMs = 15_000;

/** `source` is the revision's own with every reference replaced. */
export async function openRemote(
  options: RemoteOpenerOptions,
  request: OpenRequest,
  source: RemoteSource,
  log: LineSink,
): Promise<OpenRun> {
  const { clock } = options;
  const { server, limits } = request.revision;
  const running = await options.runtime.start({
    name: request.replica,
    server,
    source,
    limits: { memoryBytes: 0, processesMax: limits.processes, cpu: limits.cpu },
    stderr: log,
  });
  const url = new URL(source.url);
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const origin = new HttpOrigin({
    host,
    port: Number(url.port || (isTls ? 443 : 80)),
    ...(isTls ? { tls: { servername: host } } : {}),
    connectionsMax,
    clock,
    idleTimeoutMs,
    headerBytesMax,
    connectTimeoutMs,
  });
  const headers = Object.entries(source.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = {
    server,
    origin,
    path: `${url.pathname}${url.search}`,
    headerLines: `Host: ${url.host}\r\n${headers.join("")}`,
    messageBytesMax,
  };
  const givenUp = (): void => origin.destroy(new ManagerError("cancelled", `opening server "${server}" was given up`));
  request.signal.addEventListener("abort", givenUp, { once: true });
  try {
    const connection = await openHttp({
      target,
      events: { onNotification: request.onNotification, onNoise: (line) => log.write(noiseLine(line)) },
      openTimeoutMs: Math.min(answerTimeoutMs, request.startupMs),
      ...(request.era === undefined ? {} : { eraKnown: request.era }),
    });
    return {
      connection,
      pid: undefined,
      url: `${url.origin}${url.pathname}`,
      isolation: running.isolation,
      memory: undefined,
      ended: connection.closed.then((reason) => new RunFailure("run", reason)),
      async close(graceMs) {
        await connection.close(graceMs);
        await running.stop();
        origin.close();
      },
    };
  } catch (error) {
    await running.stop();
    origin.close();
    throw new RunFailure("initialize", error);
  } finally {
    request.signal.removeEventListener("abort", givenUp);
  }
}
