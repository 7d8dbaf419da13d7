/**
 * The queue of one webhook: reads the stream of events from where it stopped, delivers up to eight at a time in no promised order, and
 * moves its position past what was delivered or is among the dead letters. Full, it does not read on. At least once: what was under way
 * when it ends is read again by the next, under the same id.
 *
 *   stream ──▶ pending (1,000 at most) ──▶ breaker ──▶ attempt ──▶ delivered
 *                                ▲                       │   └───▶ dead letter
 *                                └────── back-off ◀──────┘ failed
 */
import type { Event, StreamItem, Webhook, WebhookStatus } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Semaphore } from "../base/semaphore.ts";
import type { EventStreams } from "../events/stream.ts";
import { type BreakerThresholds, CircuitBreaker } from "../resilience/circuit-breaker.ts";
import type { Verdict } from "../resilience/verdict.ts";
import type { DeadLetterSink } from "./dead-letters.ts";
import { deliveryId } from "./delivery-id.ts";
import type { DeliveryMetrics } from "./delivery-metrics.ts";
import type { PostOutcome } from "./egress/post.ts";
import { Ledger } from "./ledger.ts";
import { isDelivered, nextStep, outcomeText, type RetryRule } from "./retry-rule.ts";
import type { Attempted, Attempts, Delivery } from "./sender.ts";

export interface WebhookQueueOptions {
  readonly webhook: Webhook;
  /** The position to go on from. */
  readonly after: string;
  readonly streams: EventStreams;
  readonly sender: Attempts;
  readonly deadLetters: DeadLetterSink;
  readonly metrics: DeliveryMetrics;
  readonly rule: RetryRule;
  readonly clock: Clock;
  readonly random: Random;
  /** Told after `status` changed. Must not throw. */
  readonly onChange: () => void;
  /** Hears of what a person should know: events that are lost, a stream that broke off. */
  readonly onTrouble: (message: string) => void;
}

const pendingMax = 1_000;
const inFlightMax = 8;
/** Of the endpoint's breaker. Slowness is its own matter: it has ten seconds. */
const breakerThresholds: BreakerThresholds = {
  enabled: true,
  failureRatio: 0.5,
  minCalls: 10,
  windowMs: 60_000,
  slowMs: 10_000,
  openMs: 5_000,
};
/** Between two tries to keep a dead letter, and to open a stream that broke off. */
const pauseMs = 5_000;

/** Began when it was read. */
interface Item extends Delivery {
  readonly firstAttemptAt: string;
  readonly startMs: number;
}

export class WebhookQueue implements AsyncDisposable {
  readonly #options: WebhookQueueOptions;
  readonly #ledger: Ledger;
  readonly #breaker: CircuitBreaker;
  readonly #places = new Semaphore(inFlightMax);
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #room = Promise.withResolvers<void>();
  #status: WebhookStatus;
  #reading: Promise<void> | undefined;

  constructor(options: WebhookQueueOptions) {
    const { after, clock, random, webhook } = options;
    this.#options = options;
    this.#ledger = new Ledger(after);
    const { lastDelivery, lastFailure } = webhook.status;
    this.#status = {
      state: "active",
      pending: 0,
      deadLetters: 0,
      ...(lastDelivery === undefined ? {} : { lastDelivery }),
      ...(lastFailure === undefined ? {} : { lastFailure }),
    };
    this.#breaker = new CircuitBreaker({
      thresholds: breakerThresholds,
      clock,
      random,
      onChange: () => undefined,
    });
  }

  /** How it goes; the dead letters are counted elsewhere. */
  get status(): WebhookStatus {
    return { ...this.#status, pending: this.#ledger.pending, position: this.#ledger.position };
  }

  start(): void {
    this.#reading ??= this.#read().catch(() => undefined); // it was stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the queue of a webhook ends"));
    this.#room.resolve();
    await this.#reading;
    await Promise.all(this.#underWay);
  }

  /** Reads until it is stopped; a stream that breaks off is opened again where everything was delivered. */
  async #read(): Promise<void> {
    const { streams, webhook, clock, onTrouble } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const after = this.#ledger.position;
        for await (const item of streams.open({ topics: webhook.spec.topics, after, signal })) await this.#take(item);
      } catch (error) {
        signal.throwIfAborted();
        onTrouble(`its stream of events broke off: ${error instanceof Error ? error.message : String(error)}`);
      }
      // What is under way is read again otherwise: twice at once.
      await Promise.all(this.#underWay);
      await clock.sleep(pauseMs, signal);
    }
  }

  async #take(item: StreamItem): Promise<void> {
    const { webhook, metrics, onTrouble } = this.#options;
    switch (item.kind) {
      case "event":
        return await this.#begin(item.event, item.position);
      case "synced":
        return this.#ledger.pass(item.position);
      case "missed":
        return metrics.missed(webhook.metadata.name, item.count);
      case "reset":
        return onTrouble("it was away for longer than the store remembers: what happened meanwhile is not sent");
      case "snapshot":
        return;
    }
  }

  async #begin(event: Event, position: string | undefined): Promise<void> {
    // A delivery that fails must not be the reason for another.
    if (event.topic === "delivery.dead") return position === undefined ? undefined : this.#ledger.pass(position);
    const { clock, random, webhook, onChange, onTrouble } = this.#options;
    while (this.#ledger.pending >= pendingMax && !this.#stop.signal.aborted) await this.#room.promise;
    this.#stop.signal.throwIfAborted();
    const settle = this.#ledger.read(position);
    const id = deliveryId(webhook.metadata.uid, event, random);
    const firstAttemptAt = new Date(clock.wallMs()).toISOString();
    const item: Item = { id, event, firstAttemptAt, startMs: clock.nowMs() };
    const delivered = this.#deliver(item)
      .then(settle)
      .catch((error: unknown) => {
        // It was stopped: not settled, it is read again.
        if (!this.#stop.signal.aborted) onTrouble(`a delivery ended in an error: ${String(error)}`);
      })
      .finally(() => {
        this.#underWay.delete(delivered);
        this.#room.resolve();
        this.#room = Promise.withResolvers();
        onChange();
      });
    this.#underWay.add(delivered);
  }

  /** Resolves when it was delivered or is among the dead letters; rejects when the queue ends before. */
  async #deliver(item: Item): Promise<void> {
    const { rule, random, clock, metrics, webhook } = this.#options;
    const { name } = webhook.metadata;
    const { signal } = this.#stop;
    for (let attempts = 1; ; attempts += 1) {
      const attempted = await this.#attempt(item, signal);
      if (attempted === undefined) return await this.#bury(item, attempts - 1);
      const { outcome } = attempted;
      const next = nextStep(outcome, attempts, rule, { random, wallMs: clock.wallMs() });
      if (next.kind === "delivered") return metrics.ended(name, "delivered");
      metrics.ended(name, next.kind === "gone" ? "gone" : outcome.kind === "refused" ? "refused" : "failed");
      if (next.kind === "gone") return this.#pause();
      if (next.kind === "dead") return await this.#bury(item, attempts, outcome);
      await clock.sleep(next.delayMs, signal);
    }
  }

  /** One attempt, when there is a place and the breaker lets it through; undefined when it became too old before. */
  async #attempt(item: Item, signal: AbortSignal): Promise<Attempted | undefined> {
    const { sender, webhook, clock } = this.#options;
    const release = await this.#places.acquire(signal);
    try {
      const generation = await this.#admitted(item, signal);
      if (generation === undefined) return undefined;
      const attempted = await sender.attempt(webhook, item, signal).catch((error: unknown) => {
        this.#breaker.ended(generation, "none", clock.nowMs());
        throw error;
      });
      this.#breaker.ended(generation, verdictOf(attempted.outcome), clock.nowMs());
      this.#note(attempted);
      return attempted;
    } finally {
      release();
    }
  }

  /** The breaker's generation once it lets the attempt through. */
  async #admitted({ startMs }: Item, signal: AbortSignal): Promise<number | undefined> {
    const { clock, rule } = this.#options;
    for (;;) {
      const nowMs = clock.nowMs();
      if (this.#breaker.mayPass(nowMs)) return this.#breaker.admit(nowMs);
      const leftMs = startMs + rule.ageMaxMs - nowMs;
      if (leftMs <= 0) return undefined;
      await clock.sleep(Math.min(this.#breaker.retryAfterMs(nowMs), leftMs), signal);
    }
  }

  #note({ outcome, durationMs }: Attempted): void {
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    // Once its endpoint is gone, what was under way beside that says nothing more.
    const isGone = this.#status.state === "paused";
    this.#status =
      outcome.kind === "answered" && isDelivered(outcome.status)
        ? {
            ...this.#status,
            lastDelivery: { at, status: outcome.status, durationMs },
            ...(isGone ? {} : { state: "active" }),
          }
        : {
            ...this.#status,
            lastFailure: { at, message: outcomeText(outcome) },
            ...(isGone ? {} : { state: "failing" }),
          };
    this.#options.onChange();
  }

  /** The endpoint wants no more. The position stays, so that a webhook that is changed goes on from here. */
  #pause(): never {
    const { webhook, onChange } = this.#options;
    this.#status = { ...this.#status, state: "paused", goneGeneration: webhook.metadata.generation };
    this.#stop.abort(new Error("the endpoint is gone"));
    this.#room.resolve();
    onChange();
    throw this.#stop.signal.reason;
  }

  /** Nothing is given up before it is kept: as long as the store is away, it is tried again. */
  async #bury(item: Item, attempts: number, outcome?: PostOutcome): Promise<void> {
    const { deadLetters, webhook, clock, metrics, onTrouble } = this.#options;
    const { name } = webhook.metadata;
    const { id, event, firstAttemptAt } = item;
    const lastError = outcome === undefined ? `its endpoint fails: ${this.#breaker.reason}` : outcomeText(outcome);
    const answered = outcome?.kind === "answered" ? { lastStatus: outcome.status } : {};
    const source = { kind: "webhook", name } as const;
    for (;;) {
      try {
        await deadLetters.add({ source, deliveryId: id, event, firstAttemptAt, attempts, lastError, ...answered });
        return metrics.ended(name, "dead");
      } catch (error) {
        onTrouble(`a dead letter cannot be kept: ${error instanceof Error ? error.message : String(error)}`);
        await clock.sleep(pauseMs, this.#stop.signal);
      }
    }
  }
}

/** A refusal is the manager's own, and a request that is called wrong was answered: neither says that the endpoint is broken. */
function verdictOf(outcome: PostOutcome): Verdict {
  if (outcome.kind === "refused") return "none";
  if (outcome.kind === "failed") return "transport-failure";
  if (isDelivered(outcome.status)) return "success";
  const isItsOwn = outcome.status >= 500 || outcome.status === 408 || outcome.status === 429;
  return isItsOwn ? "failure" : "answered";
}
