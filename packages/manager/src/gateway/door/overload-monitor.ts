/**
 * Watches how short this instance is of heap, descriptors and time, and says at which stage of overload it is: to the door, which
 * acts on it, to the metrics, and in one event for each change. One timer; the stages are `resilience/overload.ts`.
 */
import type { OverloadStage } from "@mcp-manager/api";
import type { Clock, Timer } from "../../base/clock.ts";
import { type Watched, WatchedValue } from "../../base/watched.ts";
import type { EventSink } from "../../events/event.ts";
import { OverloadStages, type Pressures, type Stage } from "../../resilience/overload.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { PressureSource } from "./pressure.ts";

export interface OverloadMonitorOptions {
  readonly source: PressureSource;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly metrics: Metrics;
}

/** Often enough while there is much left; nothing beside what a look costs. */
const lookMs = 1_000;
/** With so much used, what is left may be gone within a second: a small heap fills in two or three hundred milliseconds. */
const nearLevel = 0.7;
const nearLookMs = 100;
const resources: Readonly<Record<keyof Pressures, string>> = {
  heap: "heap",
  fds: "descriptors",
  eventLoopDelay: "event_loop",
};

export class OverloadMonitor implements Disposable {
  readonly #options: OverloadMonitorOptions;
  readonly #stages = new OverloadStages();
  readonly #stage = new WatchedValue<Stage>(0);
  #pressures: Pressures = { heap: 0, fds: 0, eventLoopDelay: 0 };
  #timer: Timer | undefined;
  /** When everything is read again. */
  #dueMs = 0;

  /** Looks from here on; disposing ends it, and its source. */
  constructor(options: OverloadMonitorOptions) {
    this.#options = options;
    this.#showIn(options.metrics);
    this.#arm();
  }

  get stage(): Watched<Stage> {
    return this.#stage;
  }

  /** The stage, and what led to it. */
  get state(): OverloadStage {
    const { why } = this.#stages;
    return { stage: this.#stage.current, ...(why === undefined ? {} : { message: why }) };
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#options.source[Symbol.dispose]();
  }

  #arm(): void {
    const { heap, fds } = this.#pressures;
    this.#timer = this.#options.clock.after(Math.max(heap, fds) < nearLevel ? lookMs : nearLookMs, () => {
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const { source, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs < this.#dueMs) this.#pressures = { ...this.#pressures, ...source.readUse() };
    else {
      this.#pressures = source.read();
      this.#dueMs = nowMs + lookMs;
    }
    const from = this.#stage.current;
    const to = this.#stages.update(this.#pressures, nowMs);
    if (to === from) return;
    this.#stage.replace(to);
    this.#publish(from, to);
  }

  #publish(from: Stage, to: Stage): void {
    const why = this.#stages.why === undefined ? "" : `: ${this.#stages.why}`;
    this.#options.events.publish({
      topic: "overload.stage",
      message: `overload stage ${from} → ${to}${why}`,
      severity: to > from ? "warning" : "info",
      data: { from, to },
    });
  }

  #showIn(metrics: Metrics): void {
    const stage = metrics.gauge("mcp_manager_overload_stage", "How short the instance is of what it needs, 0 to 3.");
    const pressure = metrics.gauge(
      "mcp_manager_overload_pressure",
      "How much of a resource is used up, 1 being all of it.",
      ["resource"],
    );
    metrics.onScrape(() => {
      stage.child().set(this.#stage.current);
      for (const what of ["heap", "fds", "eventLoopDelay"] as const)
        pressure.child([resources[what]]).set(this.#pressures[what]);
    });
  }
}
