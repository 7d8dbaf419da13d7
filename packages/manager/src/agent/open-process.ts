/**
 * Opens a run of a server that is a process: starts it, finds out which era it speaks, initializes it. A server whose era is not
 * known is asked in a process of its own first, because some legacy servers end at any message before `initialize`
 * (protocol.md §2.6); when that one turns out modern it is kept, since asking left nothing behind in it.
 *
 * On a pipe nothing says whom a server asks or tells something, so a call of the legacy era that wants to hear it gets a process for
 * itself, and where callers are kept apart every one does, of either era. They are there beside the run's own and end with it. One
 * may be started before it is known for whom.
 */
import type { ProcessSource } from "@mcp-manager/api";
import { ManagerError, sizeBytes } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Era } from "../protocol/era.ts";
import type { LineSink, Running, Runtime } from "../runtime/runtime.ts";
import type { Connection, ConnectionEvents } from "../transport/connection.ts";
import { initializeStdio, probeStdio, type StdioOpenOptions } from "../transport/stdio-open.ts";
import { Beside, type BesideConnection, keepsApart, listenerBeside } from "./beside.ts";
import { ConnectedProcess, exitedByItself } from "./connected-process.ts";
import { RunFailure } from "./failure.ts";
import type { OpenRequest, OpenRun, StartedCopy } from "./run.ts";

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
  const own = modern ?? (await copies.initialize(replica, {}, signal));
  if (modern !== undefined && !keepsApart(request)) return openRun(own, { close: (graceMs) => own.close(graceMs) });
  return withOthers(own, copies, request);
}

/** Beside the run's own, connections to processes of their own. */
function withOthers(own: ConnectedProcess, copies: Copies, request: OpenRequest): OpenRun {
  const beside = new Beside();
  const { era } = own.connection.facts;
  let number = 0;
  const nextName = (): string => `${request.replica}-lease-${++number}`;
  return openRun(own, {
    openAnother: (capabilities, signal) =>
      beside.open(signal, (givenUp) => copies.openAnother(era, nextName(), capabilities, givenUp)),
    startAnother: async (signal) => {
      const running = await copies.start(nextName());
      if (signal.aborted) await running.stop();
      signal.throwIfAborted();
      return new StartedProcess(running, (capabilities, givenUp) =>
        beside.open(givenUp, (ended) => copies.converse(running, era, capabilities, ended)),
      );
    },
    async close(graceMs) {
      await Promise.all([own.close(graceMs), beside.close(graceMs)]);
    },
  });
}

function openRun(own: ConnectedProcess, ways: Pick<OpenRun, "openAnother" | "startAnother" | "close">): OpenRun {
  const { connection, ended } = own;
  const { pid, isolation, memory } = own.running;
  const kill = (): void => own.running.kill();
  return { connection, ended, pid, isolation, memory, url: undefined, kill, ...ways };
}

/** A process of which nobody has asked anything yet. */
class StartedProcess implements StartedCopy {
  readonly gone: Promise<unknown>;
  readonly open: StartedCopy["open"];
  readonly #running: Running;

  constructor(running: Running, open: (...args: Parameters<StartedCopy["open"]>) => Promise<BesideConnection>) {
    this.#running = running;
    this.open = open;
    this.gone = running.exited;
  }

  end(): Promise<unknown> {
    return this.#running.stop();
  }
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
    const running = await this.start(name);
    const { onNotification } = this.#request;
    const modern = await this.#within(running, signal, () => probeStdio(this.#stdio(running, onNotification)));
    if (modern !== undefined) return new ConnectedProcess(running, modern, this.#options.clock);
    await running.stop();
    if (signal.aborted) throw new RunFailure("start", signal.reason);
    return undefined;
  }

  /** The run's own, which is told nothing of any client. */
  async initialize(
    name: string,
    clientCapabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ConnectedProcess> {
    if (signal.aborted) throw new RunFailure("start", signal.reason);
    const running = await this.start(name);
    const stdio = { ...this.#stdio(running, this.#request.onNotification), clientCapabilities };
    const connection = await this.#within(running, signal, () => initializeStdio(stdio));
    return new ConnectedProcess(running, connection, this.#options.clock);
  }

  async openAnother(
    era: Era,
    name: string,
    capabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ConnectedProcess> {
    if (signal.aborted) throw new RunFailure("start", signal.reason);
    return await this.converse(await this.start(name), era, capabilities, signal);
  }

  /** Opens a connection beside the run's own to a process that was started; `capabilities` are what its server is told (legacy). */
  async converse(
    running: Running,
    era: Era,
    clientCapabilities: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ConnectedProcess> {
    const stdio = { ...this.#stdio(running, listenerBeside(this.#request)), clientCapabilities };
    const connection = await this.#within(running, signal, () =>
      era === "modern" ? this.#rediscover(stdio) : initializeStdio(stdio),
    );
    return new ConnectedProcess(running, connection, this.#options.clock);
  }

  async #rediscover(stdio: StdioOpenOptions): Promise<Connection> {
    const modern = await probeStdio(stdio);
    if (modern !== undefined) return modern;
    const message = `server "${stdio.server}" answered server/discover before, and does no more`;
    throw new ManagerError("protocol_error", message, { server: stdio.server });
  }

  async start(name: string): Promise<Running> {
    const { server, limits, sandbox } = this.#request.revision;
    const { memory, cpu, processes } = limits;
    try {
      return await this.#options.runtime.start({
        name,
        server,
        source: this.#source,
        limits: { memoryBytes: sizeBytes(memory), processesMax: processes, cpu },
        sandbox,
        stderr: this.#log,
      });
    } catch (error) {
      const isOfSandbox = error instanceof ManagerError && error.reason.startsWith("SANDBOX_");
      throw new RunFailure(isOfSandbox ? "configure" : "start", error);
    }
  }

  #stdio({ channel }: Running, onNotification: OpenRequest["onNotification"]): StdioOpenOptions {
    if (channel.kind !== "stdio") throw new ManagerError("internal", "a process has no stdin and stdout");
    const { startupMs, revision, onDropped } = this.#request;
    const log = this.#log;
    const events: ConnectionEvents = {
      onNotification,
      onDropped,
      onNoise: (line) => log.write(`[stdout] ${line}`),
      onUnhealthy: (reason) => {
        log.write(`[manager] ${reason.message}`);
        this.#request.onUnhealthy?.(reason);
      },
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
