/**
 * Opens a run of a server that is a process: starts it, finds out which era it speaks, initializes it. A server whose era is not
 * known is asked in a process of its own first, because some legacy servers end at any message before `initialize`
 * (protocol.md §2.6); when that one turns out modern it is kept, since asking left nothing behind in it.
 */
import type { ProcessSource } from "@mcp-manager/api";
import { ManagerError, sizeBytes } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Exit, LineSink, Running, Runtime } from "../runtime/runtime.ts";
import type { Connection, ConnectionEvents } from "../transport/connection.ts";
import { initializeStdio, probeStdio, type StdioOpenOptions } from "../transport/stdio-open.ts";
import { RunFailure } from "./failure.ts";
import { noiseLine } from "./noise-line.ts";
import type { OpenRequest, OpenRun } from "./run.ts";

export interface ProcessOpenerOptions {
  readonly runtime: Runtime<ProcessSource>;
  readonly clock: Clock;
}

/** The most a server gets to answer `server/discover` before it counts as legacy; a first start may download its package. */
const probeTimeoutMs = 10_000;
/** A connection breaks a moment before the process that held it is known to have ended. */
const exitWaitMs = 500;

/** `source` is the revision's own with every reference replaced; `log` redacts. */
export async function openProcess(
  options: ProcessOpenerOptions,
  request: OpenRequest,
  source: ProcessSource,
  log: LineSink,
): Promise<OpenRun> {
  const { runtime, clock } = options;
  const { memory, cpu, processes } = request.revision.limits;
  const limits = { memoryBytes: sizeBytes(memory), processesMax: processes, cpu };
  const start = (name: string): Promise<Running> =>
    runtime.start({ name, server: request.revision.server, source, limits, stderr: log }).catch((error: unknown) => {
      throw new RunFailure("start", error);
    });
  if (request.era !== "legacy") {
    const asked = await start(`${request.replica}-probe`);
    const modern = await withProcess(asked, request, clock, () => probeStdio(stdioOptions(asked, request, clock, log)));
    if (modern !== undefined) return openRun(asked, modern, clock);
    await asked.stop();
    request.signal.throwIfAborted();
  }
  const running = await start(request.replica);
  const connection = await withProcess(running, request, clock, () =>
    initializeStdio(stdioOptions(running, request, clock, log)),
  );
  return openRun(running, connection, clock);
}

function stdioOptions(running: Running, request: OpenRequest, clock: Clock, log: LineSink): StdioOpenOptions {
  const { channel } = running;
  if (channel.kind !== "stdio") throw new ManagerError("internal", "a process has no stdin and stdout");
  const events: ConnectionEvents = {
    onNotification: request.onNotification,
    onNoise: (line) => log.write(noiseLine(line)),
    onUnhealthy: (reason) => log.write(`[manager] ${reason.message}`),
  };
  const { server } = request.revision;
  const { startupMs } = request;
  return {
    streams: channel,
    server,
    events,
    clock,
    openTimeoutMs: startupMs,
    probeTimeoutMs: Math.min(probeTimeoutMs, startupMs),
  };
}

/** What `open` gives; when it fails, or `request` is given up, the process is ended and the failure says how it went. */
async function withProcess<T>(
  running: Running,
  request: OpenRequest,
  clock: Clock,
  open: () => Promise<T>,
): Promise<T> {
  const givenUp = (): void => running.kill();
  request.signal.addEventListener("abort", givenUp, { once: true });
  // It may have been given up while the process was being started.
  if (request.signal.aborted) givenUp();
  try {
    return await open();
  } catch (error) {
    const exit = await exitedByItself(running, clock);
    await running.stop();
    throw new RunFailure("initialize", error, exit);
  } finally {
    request.signal.removeEventListener("abort", givenUp);
  }
}

async function exitedByItself(running: Running, clock: Clock): Promise<Exit | undefined> {
  const enough = new AbortController();
  const exit = await Promise.race([
    running.exited,
    clock.sleep(exitWaitMs, enough.signal).then(
      () => undefined,
      () => undefined,
    ),
  ]);
  enough.abort();
  return exit;
}

function openRun(running: Running, connection: Connection, clock: Clock): OpenRun {
  let isClosing = false;
  const failed = async (): Promise<RunFailure> => {
    const reason = await connection.closed;
    return new RunFailure("run", reason, isClosing ? undefined : await exitedByItself(running, clock));
  };
  const exited = async (): Promise<RunFailure> => {
    const exit = await running.exited;
    const reason = new ManagerError("unavailable", "the process ended");
    connection.destroy(reason);
    return new RunFailure("run", reason, exit);
  };
  return {
    connection,
    pid: running.pid,
    url: undefined,
    isolation: running.isolation,
    memory: running.memory,
    ended: Promise.race([failed(), exited()]),
    async close(graceMs) {
      isClosing = true;
      await connection.close(graceMs);
      await running.stop();
    },
  };
}
