/** Spans of time as the messages of this room say them. */

/** `30 s`, `2.5 s`, `250 ms`. */
export function inSeconds(ms: number): string {
  return ms < 1_000 ? `${Math.ceil(ms)} ms` : `${Math.round(ms / 100) / 10} s`;
}
