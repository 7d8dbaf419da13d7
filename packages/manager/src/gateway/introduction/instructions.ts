/** The instructions of many servers as one text that a client will read whole. Pure. */

/** One server's own instructions. */
export interface Said {
  /** The server's prefix, by which the reader knows its tools. */
  readonly prefix: string;
  readonly text: string;
}

/** How much of the budget the note about what was left out may take, in characters. */
const noteMax = 200;

/**
 * Every server's instructions under its prefix, in the order given, at most `max` characters. One that does not fit is left out
 * whole, never cut, and named at the end; undefined when nobody said anything, or not even that fits.
 */
export function mergedInstructions(said: readonly Said[], max: number): string | undefined {
  const sections = said.map(({ prefix, text }) => ({ prefix, section: `# ${prefix}\n${text}` }));
  const whole = sections.map(({ section }) => section).join(gap);
  if (whole.length <= max) return whole === "" ? undefined : whole;
  const kept: string[] = [];
  const leftOut: string[] = [];
  let left = max - noteMax;
  for (const { prefix, section } of sections) {
    const needed = section.length + gap.length;
    if (needed > left) leftOut.push(prefix);
    else {
      kept.push(section);
      left -= needed;
    }
  }
  const merged = [...kept, noteOf(leftOut)].join(gap);
  return merged.length <= max ? merged : undefined;
}

const gap = "\n\n";

function noteOf(leftOut: readonly string[]): string {
  const head = "(Left out for their length, see the endpoints of these servers: ";
  // Room for the count and the end.
  const room = noteMax - head.length - 20;
  const named: string[] = [];
  for (const prefix of leftOut) {
    if ([...named, prefix].join(", ").length > room) break;
    named.push(prefix);
  }
  const more = leftOut.length - named.length;
  return `${head}${named.join(", ")}${more === 0 ? "" : ` and ${more} more`})`;
}
