/**
 * A process and the connection to it, of which each ends with the other. Started and opened elsewhere; what it adds is the end, and
 * why it came.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Exit, Running } from "../runtime/runtime.ts";
import type { Connection } from "../transport/connection.ts";
import type { BesideConnection } from "./beside.ts";
import { RunFailure } from "./failure.ts";

/** A connection breaks a moment before the process that held it is known to have ended. */
const exitWaitMs = 500;

export class ConnectedProcess implements BesideConnection {
  readonly running: Running;
  readonly connection: Connection;
  /** Resolves when it can take no more requests, by itself or because it was closed. */
  readonly ended: Promise<RunFailure>;
  readonly #clock: Clock;
  #isClosing = false;

  constructor(running: Running, connection: Connection, clock: Clock) {
    this.running = running;
    this.connection = connection;
    this.#clock = clock;
    this.ended = Promise.race([this.#disconnected(), this.#exited()]);
  }

  get gone(): Promise<Exit> {
    return this.running.exited;
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    await this.connection.close(graceMs);
    await this.running.stop();
  }

  async #disconnected(): Promise<RunFailure> {
    const reason = await this.connection.closed;
    return new RunFailure("run", reason, this.#isClosing ? undefined : await exitedByItself(this.running, this.#clock));
  }

  async #exited(): Promise<RunFailure> {
    const exit = await this.running.exited;
    const reason = new ManagerError("unavailable", "the process ended");
    this.connection.destroy(reason);
    return new RunFailure("run", reason, exit);
  }
}

/** How a process ended whose connection has just broken; undefined when it goes on. */
export async function exitedByItself(running: Running, clock: Clock): Promise<Exit | undefined> {
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
