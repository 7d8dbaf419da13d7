/**
 * The dead letters: events that could not be delivered, in the store, so many at most. Owns their names, their number and the order in
 * which the oldest give way; it never delivers anything. It knows who is there without asking the store, so one instance writes them.
 */
import type { DeadLetter, DeadLetterSpec, DeadLetterStatus } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";

/** Why an event is given up. */
export interface DeadDelivery extends DeadLetterSpec, Pick<DeadLetterStatus, "attempts" | "lastError" | "lastStatus"> {}

/** Takes what could not be delivered. */
export interface DeadLetterSink {
  /** Resolves when it is kept. Rejects with ManagerError when it is not. */
  add(dead: DeadDelivery): Promise<void>;
}

export interface DeadLettersOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Most that are kept. Default 10,000. */
  readonly max?: number;
  /** Hears of each that was kept. Must not throw. */
  readonly onAdded: (letter: DeadLetter) => void;
  /** Hears of each that gave way to a younger one. Must not throw. */
  readonly onDropped: () => void;
}

const maxDefault = 10_000;
const namePrefix = "dl-";
/** Milliseconds since the epoch in base 36 have eight digits until 2059. */
const digits = 8;
/** Deletions in one transaction; each takes two of the store's 128 operations. */
const chunk = 50;

type Source = Pick<DeadLetterSpec, "source" | "deliveryId">;

export class DeadLetters implements DeadLetterSink {
  readonly #options: DeadLettersOptions;
  readonly #resources: ResourceStore<DeadLetter>;
  readonly #max: number;
  /** All there are, oldest first. */
  readonly #index = new Map<string, Source>();
  #lastMs = 0;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#resources = options.registry.resources(kinds.DeadLetter);
    this.#max = options.max ?? maxDefault;
  }

  /** Resolves when those of earlier lives are known. */
  async start(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#resources.list(cursor === undefined ? {} : { cursor });
      for (const { metadata, spec } of page.items) this.#index.set(metadata.name, sourceOf(spec));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const last = [...this.#index.keys()].at(-1)?.slice(namePrefix.length);
    this.#lastMs = last === undefined ? 0 : Number.parseInt(last, 36);
  }

  /** A delivery that is here already, because the manager was stopped before it could note so, is told apart by its id. */
  async add(dead: DeadDelivery): Promise<void> {
    const { attempts, lastError, lastStatus, ...spec } = dead;
    const known = [...this.#index].find(([, { deliveryId }]) => deliveryId === dead.deliveryId)?.[0];
    if (known !== undefined) return await this.failedAgain(known, dead);
    while (this.#index.size >= this.#max) await this.#dropOldest();
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    const status: DeadLetterStatus = {
      attempts,
      lastError,
      ...(lastStatus === undefined ? {} : { lastStatus }),
      at,
    };
    const name = this.#nextName();
    this.#index.set(name, sourceOf(spec));
    try {
      this.#options.onAdded(await this.#create(name, spec, status));
    } catch (error) {
      this.#index.delete(name);
      throw error;
    }
  }

  /** How many there are of a webhook. */
  count(webhook: string): number {
    return this.names(webhook).length;
  }

  /** All, or those of one webhook; newest first. */
  names(webhook?: string): readonly string[] {
    const all = [...this.#index].toReversed();
    return all.filter(([, { source }]) => webhook === undefined || isOf(source, webhook)).map(([name]) => name);
  }

  /** How many there are. */
  get size(): number {
    return this.#index.size;
  }

  /** Undefined when unknown. */
  async get(name: string): Promise<DeadLetter | undefined> {
    return this.#index.has(name) ? await this.#resources.get(name) : undefined;
  }

  /** The dead letter as it was; undefined when unknown. */
  async delete(name: string): Promise<DeadLetter | undefined> {
    if (!this.#index.has(name)) return undefined;
    const letter = await this.#resources.delete(name);
    this.#index.delete(name);
    return letter;
  }

  /** Deletes all, or those of one webhook; resolves with their number. */
  async purge(webhook?: string): Promise<number> {
    const names = this.names(webhook);
    for (let start = 0; start < names.length; start += chunk) await this.#deleteAll(names.slice(start, start + chunk));
    return names.length;
  }

  /** Notes that one more delivery of it failed. */
  async failedAgain(name: string, dead: Pick<DeadDelivery, "attempts" | "lastError" | "lastStatus">): Promise<void> {
    const { attempts, lastError, lastStatus } = dead;
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    await this.#resources.updateStatus(name, ({ status }) => ({
      attempts: status.attempts + attempts,
      lastError,
      ...(lastStatus === undefined ? {} : { lastStatus }),
      at,
    }));
  }

  /** A server can be larger than what a value of the store takes beside the rest: then it goes without. */
  async #create(name: string, spec: DeadLetterSpec, status: DeadLetterStatus): Promise<DeadLetter> {
    try {
      return await this.#resources.create({ name, spec, status });
    } catch (error) {
      if (!(error instanceof ManagerError && error.reason === "TOO_LARGE")) throw error;
      const { resource: _, ...event } = spec.event;
      return await this.#resources.create({ name, spec: { ...spec, event }, status });
    }
  }

  async #dropOldest(): Promise<void> {
    const [oldest] = this.#index.keys();
    if (oldest === undefined) return;
    // At once, so that who comes meanwhile takes the next one. Not deleted after all, it is known again after a restart.
    this.#index.delete(oldest);
    await this.#resources.delete(oldest);
    this.#options.onDropped();
  }

  async #deleteAll(names: readonly string[]): Promise<void> {
    const transaction = this.#options.registry.transaction();
    for (const name of names) {
      const stored = await this.#resources.read(name);
      if (stored !== undefined) transaction.delete(kinds.DeadLetter, stored);
    }
    const { kind } = await transaction.commit();
    if (kind === "conflict") for (const name of names) await this.#resources.delete(name);
    for (const name of names) this.#index.delete(name);
  }

  /** By when it came, so that names sort by age; one that comes in the same millisecond gets the next. */
  #nextName(): string {
    this.#lastMs = Math.max(this.#lastMs + 1, Math.floor(this.#options.clock.wallMs()));
    return namePrefix + this.#lastMs.toString(36).padStart(digits, "0");
  }
}

/** Without the event: ten thousand of them, with their servers, are too much to hold. */
function sourceOf({ source, deliveryId }: DeadLetterSpec): Source {
  return { source, deliveryId };
}

function isOf(source: DeadLetterSpec["source"], webhook: string): boolean {
  return source.kind === "webhook" && source.name === webhook;
}
