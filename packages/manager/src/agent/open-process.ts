/**
 * Opens a run of a server that is a process: starts it, finds out which era it speaks, initializes it. A server whose era is not
 * known is asked in a process of its own first, because some legacy servers end at any message before `initialize`
 * (protocol.md §2.6); when that one turns out modern it is kept, since asking left nothing behind in it.
 *
 * On a pipe nothing says whom a server asks or tells something, so a call of the legacy era that wants to hear it gets a process for
 * itself, which is there beside the run's and ends with it.
 */
import type { ProcessSource } from "@mcp-manager/api";
import { ManagerError, sizeBytes } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { LineSink, Running, Runtime } from "../runtime/runtime.ts";
import type { ConnectionEvents } from "../transport/connection.ts";
import { initializeStdio, probeStdio, type StdioOpenOptions } from "../transport/stdio-open.ts";
import { Beside } from "./beside.ts";
import { ConnectedProcess, exitedByItself } from "./connected-process.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRequest, OpenRun } from "./run.ts";

export interface ProcessOpenerOptions {
  readonly runtime: Runtime<ProcessSource>;
  readonly clock: Clock;
}

/** The most a server gets to answer `server/discover` before it counts as legacy; a first start may download its package. */
const probeTimeoutMs = 10_000;

/** `source` is the revision's own with every reference replaced; `log` redacts. */
export async function openProcess(
  options: ProcessOpenerOptions,
  request: OpenRequest,
  source: ProcessSource,
  log: LineSink,
): Promise<OpenRun> {
  const copies = new Copies(options, request, source, log);
  const { replica, signal } = request;
  const modern = request.era === "legacy" ? undefined : await copies.probe(`${replica}-probe`, signal);
  if (modern !== undefined) return openRun(modern, { close: (graceMs) => modern.close(graceMs) });
  const own = await copies.initialize(replica, {}, signal);
  const beside = new Beside((capabilities, givenUp, number) =>
    copies.initialize(`${replica}-lease-${number}`, capabilities, givenUp),
  );
  return openRun(own, {
    openAnother: beside.open,
    async close(graceMs) {
      await Promise.all([own.close(graceMs), beside.close(graceMs)]);
    },
  });
}

function openRun(own: ConnectedProcess, ways: Pick<OpenRun, "openAnother" | "close">): OpenRun {
  const { connection, ended } = own;
  const { pid, isolation, memory } = own.running;
  return { connection, ended, pid, isolation, memory, url: undefined, ...ways };
}

/** Copies of one server: all are started alike, and write to one log. */
class Copies {
  readonly #options: ProcessOpenerOptions;
  readonly #request: OpenRequest;
  readonly #source: ProcessSource;
  readonly #log: LineSink;

  constructor(options: ProcessOpenerOptions, request: OpenRequest, source: ProcessSource, log: LineSink) {
    this.#options = options;
    this.#request = request;
    this.#source = source;
    this.#log = log;
  }

  /** Undefined when it is a legacy one; then nothing of it is left. */
  async probe(name: string, signal: AbortSignal): Promise<ConnectedProcess | undefined> {
    const running = await this.#start(name);
    const modern = await this.#within(running, signal, () => probeStdio(this.#stdio(running)));
    if (modern !== undefined) return new ConnectedProcess(running, modern, this.#options.clock);
    await running.stop();
    if (signal.aborted) throw new RunFailure("start", signal.reason);
    return undefined;
  }

  /** `clientCapabilities` are what the server is told that its client can be asked. */
  async initialize(
    name: string,
    clientCapabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ConnectedProcess> {
    if (signal.aborted) throw new RunFailure("start", signal.reason);
    const running = await this.#start(name);
    const stdio = { ...this.#stdio(running), clientCapabilities };
    const connection = await this.#within(running, signal, () => initializeStdio(stdio));
    return new ConnectedProcess(running, connection, this.#options.clock);
  }

  async #start(name: string): Promise<Running> {
    const { server, limits } = this.#request.revision;
    const { memory, cpu, processes } = limits;
    try {
      return await this.#options.runtime.start({
        name,
        server,
        source: this.#source,
        limits: { memoryBytes: sizeBytes(memory), processesMax: processes, cpu },
        stderr: this.#log,
      });
    } catch (error) {
      throw new RunFailure("start", error);
    }
  }

  #stdio({ channel }: Running): StdioOpenOptions {
    if (channel.kind !== "stdio") throw new ManagerError("internal", "a process has no stdin and stdout");
    const { startupMs, revision, onNotification, onDropped } = this.#request;
    const log = this.#log;
    const events: ConnectionEvents = {
      onNotification,
      onDropped,
      onNoise: (line) => log.write(`[stdout] ${line}`),
      onUnhealthy: (reason) => log.write(`[manager] ${reason.message}`),
    };
    return {
      streams: channel,
      server: revision.server,
      events,
      clock: this.#options.clock,
      openTimeoutMs: startupMs,
      probeTimeoutMs: Math.min(probeTimeoutMs, startupMs),
    };
  }

  /** What `open` gives; when it fails, or is given up, the process is ended and the failure says how it went. */
  async #within<T>(running: Running, signal: AbortSignal, open: () => Promise<T>): Promise<T> {
    const givenUp = (): void => running.kill();
    signal.addEventListener("abort", givenUp, { once: true });
    // It may have been given up while the process was being started.
    if (signal.aborted) givenUp();
    try {
      return await open();
    } catch (error) {
      const exit = await exitedByItself(running, this.#options.clock);
      await running.stop();
      throw new RunFailure("initialize", error, exit);
    } finally {
      signal.removeEventListener("abort", givenUp);
    }
  }
}
