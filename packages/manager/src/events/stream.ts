/** One ordered stream of what happens, from wherever a reader was: the port that every door and every delivery reads by. */
import type { Server, StreamItem } from "@mcp-manager/api";

/** Shows a server to somebody. */
export type View = (server: Server) => Server;

/** What a reader wants to hear of. */
export interface StreamOptions {
  /** Patterns of topics: words by dots, `*` is one word, `#` any number of them; a lone `*` is everything, and so is none. */
  readonly topics: readonly string[];
  /** The position that the reader has reached, as an item named it. Default: now. */
  readonly after?: string;
  /** Begin with every server as it is. Default: only where there is no going on from `after`. */
  readonly snapshot?: boolean;
  /**
   * A server as the reader may see it; the same function for readers who see the same. Default: as somebody who may write nothing, so
   * without values that may be secret.
   */
  readonly view?: View;
  /** Ends the stream, quietly. */
  readonly signal: AbortSignal;
}

/** Opens streams of events. */
export interface EventStreams {
  /**
   * Begins now, whenever it is first read. Throws `invalid_argument` for a bad pattern or a position that is no number,
   * `resource_exhausted` while too many are open, `unavailable` once the manager is being stopped.
   */
  open(options: StreamOptions): AsyncIterable<StreamItem>;
}
