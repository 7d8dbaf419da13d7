/**
 * Connects to a server that runs elsewhere, by whichever of the two HTTP transports its spec names: what a URL and headers mean on the
 * wire, and the bounds of what is taken from there. Each connection has sockets of its own, and they end with it.
 */
import type { RemoteSource } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Era } from "../protocol/era.ts";
import type { LineSink } from "../runtime/runtime.ts";
import { HttpOrigin } from "../transport/http-origin.ts";
import { openHttp } from "../transport/http-open.ts";
import { openSse, type OpenSseOptions } from "../transport/sse-open.ts";
import type { BesideConnection } from "./beside.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRequest } from "./run.ts";
import type { SocketTally } from "./socket-tally.ts";

/** Connections to one server at most: as many calls as it may have in flight by default, and some streams. */
const connectionsMax = 256;
const idleTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;
const headerBytesMax = 65_536;
/** Largest message taken from a server when it has to be held whole. */
const messageBytesMax = 64 * 1024 * 1024;
/** A connection is replaced then, so that a name that moved is followed, and whatever stands between forgets it in order. */
const socketAgeMaxMs = 600_000;
const socketRequestsMax = 10_000;
/** A server that was reached has this long for each answer of the opening. */
const answerTimeoutMs = 15_000;

export interface ConnectRemoteOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly request: OpenRequest;
  readonly log: LineSink;
  /** What the server is known to speak. */
  readonly era: Era | undefined;
  /** What a legacy server is told that its client can be asked. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Hears what belongs to no call. */
  readonly onNotification: OpenRequest["onNotification"];
  /** Counts its sockets. */
  readonly sockets: SocketTally;
  /** Gives up the opening. */
  readonly signal: AbortSignal;
}

/** Opens a connection with sockets of its own, so that its streams take none from another; rejects with RunFailure, and nothing left. */
export async function connectRemote(source: RemoteSource, options: ConnectRemoteOptions): Promise<BesideConnection> {
  const { clock, random, era, signal, sockets } = options;
  const { server } = options.request.revision;
  const url = new URL(source.url);
  const origin = originOf(url, clock);
  sockets.add(origin);
  const givenUp = (): void => origin.destroy(new ManagerError("cancelled", `opening server "${server}" was given up`));
  signal.addEventListener("abort", givenUp, { once: true });
  if (signal.aborted) givenUp();
  try {
    const opening = openingOf(source, url, origin, options);
    const connection =
      source.transport === "sse"
        ? await openSse(opening)
        : await openHttp({ ...opening, random, ...(era === undefined ? {} : { eraKnown: era }) });
    void connection.closed.then(() => {
      origin.close();
      sockets.remove(origin);
    });
    if (signal.aborted) await connection.close(0);
    signal.throwIfAborted();
    return { connection, gone: connection.closed, close: (graceMs) => connection.close(graceMs) };
  } catch (error) {
    origin.close();
    sockets.remove(origin);
    throw new RunFailure("initialize", error);
  } finally {
    signal.removeEventListener("abort", givenUp);
  }
}

/** What both transports are opened with. */
function openingOf(
  source: RemoteSource,
  url: URL,
  origin: HttpOrigin,
  { request, log, capabilities, onNotification }: ConnectRemoteOptions,
): OpenSseOptions {
  const headers = Object.entries(source.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return {
    target: {
      server: request.revision.server,
      origin,
      url,
      path: `${url.pathname}${url.search}`,
      headerLines: `Host: ${url.host}\r\n${headers.join("")}`,
      messageBytesMax,
    },
    events: {
      onNotification,
      onDropped: request.onDropped,
      onNoise: (line) => log.write(`[stream] ${line}`),
      onUnhealthy: (reason) => {
        log.write(`[manager] ${reason.message}`);
        request.onUnhealthy?.(reason);
      },
    },
    openTimeoutMs: Math.min(answerTimeoutMs, request.startupMs),
    clientCapabilities: capabilities,
  };
}

function originOf(url: URL, clock: Clock): HttpOrigin {
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new HttpOrigin({
    host,
    port: Number(url.port || (isTls ? 443 : 80)),
    ...(isTls ? { tls: { servername: host } } : {}),
    connectionsMax,
    ageMaxMs: socketAgeMaxMs,
    requestsMax: socketRequestsMax,
    clock,
    idleTimeoutMs,
    headerBytesMax,
    connectTimeoutMs,
  });
}
