/**
 * Events as those who read them may see them. One that many see alike is made once, so that whoever writes it out writes it once.
 * Forgets an event when everybody else has.
 */
import type { Event } from "@mcp-manager/api";
import type { ReadEvent } from "./event-reader.ts";
import type { View } from "./stream.ts";

export class Views {
  readonly #shown = new WeakMap<View, WeakMap<Event, Event>>();

  /** The same, with their servers as `view` shows them. */
  showAll(items: readonly ReadEvent[], view: View): readonly ReadEvent[] {
    if (items.every(({ event }) => event.resource === undefined)) return items;
    return items.map((item) => ({ ...item, event: this.#event(item.event, view) }));
  }

  #event(event: Event, view: View): Event {
    if (event.resource === undefined) return event;
    let shown = this.#shown.get(view);
    if (shown === undefined) this.#shown.set(view, (shown = new WeakMap()));
    const known = shown.get(event);
    if (known !== undefined) return known;
    const made = { ...event, resource: view(event.resource) };
    shown.set(event, made);
    return made;
  }
}
