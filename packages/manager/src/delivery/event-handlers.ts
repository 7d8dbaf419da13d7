/**
 * Functions inside the manager that are told of events. One that throws does not stop the others: the event goes to the dead letters,
 * from where it can be replayed. A handler hears of what happens from now on, one event after the other.
 */
import type { Event, StreamItem } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { EventStreams } from "../events/stream.ts";
import type { DeadLetterSink } from "./dead-letters.ts";
import { deliveryId } from "./delivery-id.ts";

/** What a handler does. A throw, or a rejection, makes a dead letter. */
export type Handle = (event: Event) => void | Promise<void>;

export interface EventHandlersOptions {
  readonly streams: EventStreams;
  readonly deadLetters: DeadLetterSink;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of a dead letter that could not be kept, and of a stream that broke off. */
  readonly onTrouble: (handler: string, error: ManagerError) => void;
}

/** One of them, and how its stream is opened after a position. */
interface Handler {
  readonly name: string;
  readonly handle: Handle;
  readonly open: (after: string | undefined) => AsyncIterable<StreamItem>;
}

/** Between a stream that broke off and the next. */
const againMs = 1_000;

export class EventHandlers implements AsyncDisposable {
  readonly #options: EventHandlersOptions;
  readonly #handlers = new Map<string, Handle>();
  readonly #stop = new AbortController();
  readonly #reading = new Set<Promise<void>>();

  constructor(options: EventHandlersOptions) {
    this.#options = options;
  }

  /** Tells `handle` of events under these topics until this is disposed of. `name` is the handler's alone: dead letters bear it. */
  handle(name: string, topics: readonly string[], handle: Handle): void {
    this.#handlers.set(name, handle);
    const open = (after?: string): AsyncIterable<StreamItem> =>
      this.#options.streams.open({ topics, signal: this.#stop.signal, ...(after === undefined ? {} : { after }) });
    const reading = this.#follow({ name, handle, open }, open()).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  /** Tells a handler of an event once more. Rejects as the handler does; `failed_precondition` when there is none of that name. */
  async replay(name: string, event: Event): Promise<void> {
    const handle = this.#handlers.get(name);
    if (handle === undefined) throw new ManagerError("failed_precondition", `there is no handler ${name} any more`);
    await handle(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the handlers end"));
    await Promise.all(this.#reading);
  }

  /** A stream that breaks off is opened again where it was; the events of a revision that was cut in two come once more. */
  async #follow({ name, handle, open }: Handler, first: AsyncIterable<StreamItem>): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { signal } = this.#stop;
    let position: string | undefined;
    let begun: AsyncIterable<StreamItem> | undefined = first;
    while (!signal.aborted) {
      try {
        for await (const item of begun ?? open(position)) {
          if (item.kind === "event") await this.#tell(name, handle, item.event);
          if ("position" in item && item.position !== undefined) ({ position } = item);
        }
      } catch (error) {
        if (!signal.aborted) onTrouble(name, ManagerError.from(error));
      }
      begun = undefined;
      await clock.sleep(againMs, signal).catch(() => undefined);
    }
  }

  async #tell(name: string, handle: Handle, event: Event): Promise<void> {
    const firstAttemptAt = new Date(this.#options.clock.wallMs()).toISOString();
    try {
      await handle(event);
    } catch (error) {
      await this.#bury(name, event, firstAttemptAt, ManagerError.from(error).message);
    }
  }

  async #bury(name: string, event: Event, firstAttemptAt: string, lastError: string): Promise<void> {
    const { deadLetters, random, onTrouble } = this.#options;
    const id = deliveryId(`handler/${name}`, event, random);
    const source = { kind: "handler", name } as const;
    await deadLetters
      .add({ source, deliveryId: id, event, firstAttemptAt, attempts: 1, lastError })
      .catch((error: unknown) => onTrouble(name, ManagerError.from(error)));
  }
}
