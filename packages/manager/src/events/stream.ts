/** One ordered stream of what happens, from wherever a reader was: the port that every door and every delivery reads by. */
import type { StreamItem } from "@mcp-manager/api";

/** What a reader wants to hear of. */
export interface StreamOptions {
  /** Patterns of topics: words by dots, `*` is one word, `#` any number of them; a lone `*` is everything, and so is none. */
  readonly topics: readonly string[];
  /** The position that the reader has reached, as an item named it. Default: now. */
  readonly after?: string;
  /** Begin with every server as it is. Default: only where there is no going on from `after`. */
  readonly snapshot?: boolean;
  /** Ends the stream, quietly. */
  readonly signal: AbortSignal;
}

/** Opens streams of events. */
export interface EventStreams {
  /** Throws `invalid_argument` for a bad pattern or a position that is no number. */
  open(options: StreamOptions): AsyncIterable<StreamItem>;
}
