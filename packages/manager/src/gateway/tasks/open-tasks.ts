/**
 * How many tasks are still under way at each revision, as far as this instance has seen them begin, or be asked for: what a revision that drains is
 * waited for. A task counts until an answer says that it is over, or its time is. Knows no clients.
 */
import type { Clock } from "../../base/clock.ts";
import type { TaskPlace } from "./task-ids.ts";

/** Beyond this the oldest are forgotten. */
const tasksMax = 10_000;
/** A task whose server does not say how long it keeps it is waited for no longer than this. */
const taskMsDefault = 10 * 60_000;

interface OpenTask {
  readonly server: string;
  readonly revision: string;
  readonly untilMs: number;
}

export class OpenTasks {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #open = new Map<string, OpenTask>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  began({ server, revision, id }: Pick<TaskPlace, "server" | "revision" | "id">, ttlMs: number | undefined): void {
    const untilMs = this.#clock.nowMs() + (ttlMs ?? taskMsDefault);
    this.#open.set(keyOf(server, revision, id), { server, revision, untilMs });
    const [oldest] = this.#open.keys();
    if (this.#open.size > tasksMax && oldest !== undefined) this.#open.delete(oldest);
  }

  /** It was seen to be under way; counted from now on, unless it is already. */
  goesOn(place: Pick<TaskPlace, "server" | "revision" | "id">, ttlMs: number | undefined): void {
    if (!this.#open.has(keyOf(place.server, place.revision, place.id))) this.began(place, ttlMs);
  }

  ended({ server, revision, id }: Pick<TaskPlace, "server" | "revision" | "id">): void {
    this.#open.delete(keyOf(server, revision, id));
  }

  /** Those that are under way at a revision. */
  at(server: string, revision: string): number {
    const nowMs = this.#clock.nowMs();
    let count = 0;
    for (const [key, task] of this.#open) {
      if (task.untilMs <= nowMs) this.#open.delete(key);
      else if (task.server === server && task.revision === revision) count++;
    }
    return count;
  }
}

function keyOf(server: string, revision: string, id: string): string {
  return `${server} ${revision} ${id}`;
}
