/** What is counted about deliveries. */
import type { CounterChild, Metrics } from "../telemetry/metrics.ts";

/** How an attempt, or a delivery, ended. `dead` comes beside the `failed` of its last attempt. */
export type DeliveryOutcome = "delivered" | "failed" | "refused" | "gone" | "dead";

export class DeliveryMetrics {
  readonly #deliveries: ReturnType<Metrics["counter"]>;
  readonly #missed: ReturnType<Metrics["counter"]>;
  readonly #dropped: CounterChild;

  constructor(metrics: Metrics) {
    this.#deliveries = metrics.counter(
      "mcp_manager_webhook_deliveries_total",
      "Attempts to deliver an event to a webhook by how they ended, and deliveries that were given up (dead).",
      ["webhook", "outcome"],
    );
    this.#missed = metrics.counter(
      "mcp_manager_webhook_missed_total",
      "Events that a webhook was not sent, since they came faster than they could be delivered.",
      ["webhook"],
    );
    this.#dropped = metrics
      .counter("mcp_manager_dead_letters_dropped_total", "Dead letters that gave way to younger ones.")
      .child();
  }

  ended(webhook: string, outcome: DeliveryOutcome): void {
    this.#deliveries.child([webhook, outcome]).inc();
  }

  missed(webhook: string, count: number): void {
    this.#missed.child([webhook]).inc(count);
  }

  dropped(): void {
    this.#dropped.inc();
  }
}

/** What is in the queues and among the dead letters, looked at when somebody scrapes. */
export function collectDeliveryState(
  metrics: Metrics,
  deadLetters: { readonly size: number },
  pending: () => Iterable<readonly [webhook: string, count: number]>,
): void {
  const queued = metrics.gauge("mcp_manager_webhook_pending", "Events that wait to be delivered to a webhook.", [
    "webhook",
  ]);
  const dead = metrics.gauge("mcp_manager_dead_letters", "Events that could not be delivered and are kept.").child();
  metrics.onScrape(() => {
    queued.clear();
    for (const [webhook, count] of pending()) queued.child([webhook]).set(count);
    dead.set(deadLetters.size);
  });
}
