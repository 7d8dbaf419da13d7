/** Dead letters tried once more, because a person said so: one attempt each. What is delivered is gone, what fails again stays. */
import type { DeadLetter, Webhook } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { DeliveryMetrics } from "./delivery-metrics.ts";
import type { EventHandlers } from "./event-handlers.ts";
import { isDelivered, outcomeText } from "./retry-rule.ts";
import type { Attempts } from "./sender.ts";

export interface ReplaysOptions {
  readonly registry: Registry;
  readonly deadLetters: DeadLetters;
  readonly sender: Attempts;
  readonly handlers: EventHandlers;
  readonly metrics: DeliveryMetrics;
  /** Hears of what went wrong in the background. Must not throw. */
  readonly onTrouble: (name: string, error: ManagerError) => void;
}

/** Of many, so many at once. */
const atOnce = 8;

/** How an attempt failed. */
interface Failure {
  readonly message: string;
  readonly status?: number;
}

export class Replays implements AsyncDisposable {
  readonly #options: ReplaysOptions;
  readonly #webhooks: ResourceStore<Webhook>;
  readonly #stop = new AbortController();
  /** Names of those that are being tried. */
  readonly #trying = new Set<string>();
  /** Names of those whose turn comes. */
  readonly #waiting = new Set<string>();
  readonly #workers = new Set<Promise<void>>();

  constructor(options: ReplaysOptions) {
    this.#options = options;
    this.#webhooks = options.registry.resources(kinds.Webhook);
  }

  /**
   * Tries one, now. The dead letter as it was, when it was delivered; undefined when unknown. `failed_precondition` when there is
   * nobody to deliver it to any more or it is being tried already, `unavailable` with the reason when it failed again.
   */
  async one(name: string): Promise<DeadLetter | undefined> {
    if (this.#trying.has(name))
      throw new ManagerError("failed_precondition", `dead letter ${name} is being tried already`);
    this.#trying.add(name);
    try {
      const letter = await this.#options.deadLetters.get(name);
      if (letter === undefined) return undefined;
      const failure = await this.#attempt(letter);
      if (failure === undefined) {
        await this.#options.deadLetters.delete(name);
        return letter;
      }
      const { message, status } = failure;
      const answered = status === undefined ? {} : { lastStatus: status };
      await this.#options.deadLetters.failedAgain(name, { attempts: 1, lastError: message, ...answered });
      throw new ManagerError("unavailable", `dead letter ${name} could not be delivered and stays: ${message}`);
    } finally {
      this.#trying.delete(name);
    }
  }

  /** Begins to try all, or those of one webhook; how many were not being tried already. The oldest go first. */
  all(webhook?: string): number {
    const isNew = (name: string): boolean => !this.#trying.has(name) && !this.#waiting.has(name);
    const names = this.#options.deadLetters.names(webhook).toReversed().filter(isNew);
    for (const name of names) this.#waiting.add(name);
    for (let free = atOnce - this.#workers.size; free > 0; free -= 1) {
      const worker = this.#work().finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
    return names.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("replays end"));
    await Promise.all(this.#workers);
  }

  /** One after the other, until none waits. */
  async #work(): Promise<void> {
    for (const name of this.#waiting) {
      if (this.#stop.signal.aborted) return;
      this.#waiting.delete(name);
      try {
        await this.one(name);
      } catch (error) {
        const failure = ManagerError.from(error);
        // That it failed again stands in its status.
        const isKnown = failure.code === "unavailable" || this.#stop.signal.aborted;
        if (!isKnown) this.#options.onTrouble(name, failure);
      }
    }
  }

  /** Undefined when it was delivered. */
  async #attempt({ spec }: DeadLetter): Promise<Failure | undefined> {
    const { source, deliveryId, event } = spec;
    if (source.kind === "handler") return await this.#tell(source.name, spec);
    const webhook = await this.#webhooks.get(source.name);
    if (webhook === undefined) {
      const remedy = "make it again, or delete its dead letters";
      throw new ManagerError("failed_precondition", `webhook ${source.name} does not exist any more: ${remedy}`);
    }
    const { sender, metrics } = this.#options;
    const { outcome } = await sender.attempt(webhook, { id: deliveryId, event }, this.#stop.signal);
    const isDone = outcome.kind === "answered" && isDelivered(outcome.status);
    metrics.ended(source.name, isDone ? "delivered" : outcome.kind === "refused" ? "refused" : "failed");
    if (isDone) return undefined;
    return { message: outcomeText(outcome), ...(outcome.kind === "answered" ? { status: outcome.status } : {}) };
  }

  async #tell(handler: string, { event }: DeadLetter["spec"]): Promise<Failure | undefined> {
    try {
      await this.#options.handlers.replay(handler, event);
      return undefined;
    } catch (error) {
      const failure = ManagerError.from(error);
      if (failure.code === "failed_precondition") throw failure;
      return { message: failure.message };
    }
  }
}
