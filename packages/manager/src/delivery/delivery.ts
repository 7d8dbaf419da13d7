/**
 * The room's head: sends what happens to whoever asked for it. It keeps one queue for each webhook that is enabled, in step with the
 * store, and writes how each fares into its status. It decides nothing about events and reads them through a port.
 */
import type { Webhook, WebhookStatus } from "@mcp-manager/api";
import type { Clock, Timer } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { WorkQueue } from "../base/work-queue.ts";
import type { EventStreams } from "../events/stream.ts";
import type { Informer } from "../registry/informer.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { DeliveryMetrics } from "./delivery-metrics.ts";
import type { RetryRule } from "./retry-rule.ts";
import type { Attempts } from "./sender.ts";
import { WebhookQueue } from "./webhook-queue.ts";

export interface DeliveryOptions {
  readonly registry: Registry;
  /** Started and ended by its owner, after this. */
  readonly webhooks: Informer<Webhook>;
  /** Read as by somebody who may write nothing: what is delivered leaves the house. */
  readonly streams: EventStreams;
  readonly sender: Attempts;
  readonly deadLetters: DeadLetters;
  readonly metrics: DeliveryMetrics;
  readonly rule: RetryRule;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A status that changed is written that much later: what happens meanwhile goes into the same write. */
const writeDelayMs = 1_000;
/** Where nothing that is wanted happens, the position moves all the same, now and then, so that the store does not forget it. */
const rewriteMs = 300_000;

/** One webhook in one generation. */
interface Running {
  readonly uid: string;
  readonly generation: number;
  readonly queue: WebhookQueue;
}

export class Delivery implements AsyncDisposable {
  readonly #options: DeliveryOptions;
  readonly #resources: ResourceStore<Webhook>;
  readonly #running = new Map<string, Running>();
  readonly #timers = new Map<string, Timer>();
  readonly #work: WorkQueue;
  readonly #unsubscribe: () => void;
  #rewrite: Timer;

  constructor(options: DeliveryOptions) {
    const { clock, random, registry, webhooks, logger } = options;
    this.#options = options;
    this.#resources = registry.resources(kinds.Webhook);
    this.#work = new WorkQueue({
      clock,
      random,
      work: (name) => this.#reconcile(name),
      onError: (webhook, error) => logger.warn("the status of a webhook cannot be written", { webhook, error }),
      workers: 4,
    });
    this.#unsubscribe = webhooks.onChange((name) => this.#changed(name));
    this.#rewrite = clock.after(rewriteMs, () => this.#rewriteAll());
  }

  /** Begins with those that the informer has already. */
  start(): void {
    for (const { metadata } of this.#options.webhooks.list()) this.#work.add(metadata.name);
  }

  /** How a webhook fares at this moment; undefined for one that nothing is sent to. */
  live(name: string): WebhookStatus | undefined {
    return this.#running.get(name)?.queue.status;
  }

  /** Events that wait, by webhook. */
  *pending(): Generator<readonly [string, number], void, undefined> {
    for (const [name, { queue }] of this.#running) yield [name, queue.status.pending];
  }

  /** Ends the queues and writes how far each came. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#rewrite.cancel();
    await this.#work[Symbol.asyncDispose]();
    const all = [...this.#running];
    await Promise.all(all.map(([, { queue }]) => queue[Symbol.asyncDispose]()));
    // Last: what ends in a queue asks for a write.
    for (const timer of this.#timers.values()) timer.cancel();
    // What is not written is delivered once more after the next start.
    await Promise.allSettled(all.map(([name, running]) => this.#write(name, running)));
  }

  /** Its spec or its status; only the one makes another queue of it. */
  #changed(name: string): void {
    const webhook = this.#options.webhooks.get(name);
    const running = this.#running.get(name);
    if (webhook === undefined ? running !== undefined : !isCurrent(running, webhook)) this.#work.add(name);
  }

  /** One after the other for each name. */
  async #reconcile(name: string): Promise<void> {
    const webhook = this.#options.webhooks.get(name);
    const running = this.#running.get(name);
    if (running !== undefined && (webhook === undefined || !isCurrent(running, webhook))) {
      await running.queue[Symbol.asyncDispose]();
      await this.#write(name, running);
      this.#running.delete(name);
    }
    if (webhook === undefined) return;
    if (!this.#running.has(name) && isWanted(webhook)) this.#begin(webhook, running);
    const present = this.#running.get(name);
    if (present !== undefined) await this.#write(name, present);
    else await this.#writePaused(webhook);
  }

  /** Goes on where the queue before stopped, or an earlier life did; a new webhook hears of what came after it was made. */
  #begin(webhook: Webhook, before: Running | undefined): void {
    const { logger, ...options } = this.#options;
    const { name, uid, generation, revision } = webhook.metadata;
    const last = before?.uid === uid ? before.queue.status : webhook.status;
    const queue = new WebhookQueue({
      ...options,
      webhook: { ...webhook, status: last },
      after: last.position ?? revision,
      onChange: () => this.#writeSoon(name),
      onTrouble: (what) => logger.warn("a webhook has trouble", { webhook: name, what }),
    });
    this.#running.set(name, { uid, generation, queue });
    queue.start();
  }

  #writeSoon(name: string): void {
    if (this.#timers.has(name)) return;
    const write = (): void => {
      this.#timers.delete(name);
      this.#work.add(name);
    };
    this.#timers.set(name, this.#options.clock.after(writeDelayMs, write));
  }

  #rewriteAll(): void {
    for (const name of this.#running.keys()) this.#work.add(name);
    this.#rewrite = this.#options.clock.after(rewriteMs, () => this.#rewriteAll());
  }

  async #write(name: string, { uid, queue }: Running): Promise<void> {
    const deadLetters = this.#options.deadLetters.count(name);
    await this.#resources.updateStatus(name, ({ metadata }) =>
      metadata.uid === uid ? { ...queue.status, deadLetters } : undefined,
    );
  }

  async #writePaused({ metadata: { name, uid } }: Webhook): Promise<void> {
    await this.#resources.updateStatus(name, ({ metadata, status }) =>
      metadata.uid === uid ? { ...status, state: "paused" } : undefined,
    );
  }
}

/** Whether the queue is that of the webhook as it is, or none is wanted. */
function isCurrent(running: Running | undefined, webhook: Webhook): boolean {
  const { uid, generation } = webhook.metadata;
  if (running === undefined) return !isWanted(webhook) && webhook.status.state === "paused";
  return running.uid === uid && running.generation === generation;
}

/** An endpoint that is gone is left alone until somebody changes its webhook. */
function isWanted({ metadata: { generation, deletedAt }, spec, status }: Webhook): boolean {
  return deletedAt === undefined && spec.enabled && status.goneGeneration !== generation;
}
