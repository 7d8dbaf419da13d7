/** Server-sent events out of a response's body, one at a time (HTML standard, "Server-sent events"). Bounded, pull-driven. */
import { ManagerError } from "@mcp-manager/api";
import { lostOr } from "./connection.ts";

/** Longest event taken, in characters: more than a server of the longest body, with its status. */
const eventLengthMax = 4_194_304;

/** One event. */
export interface StreamEvent {
  /** Default `message`. */
  readonly type: string;
  /** Undefined: it only moves the reader's place. */
  readonly data: string | undefined;
  /** The reader's place after it. */
  readonly id?: string;
}

/** Hears when more is waited for, and when something has come: in between, and only then, it is the other side that says nothing. */
export interface Listening {
  begin(): void;
  end(): void;
}

const nobody: Listening = { begin: () => undefined, end: () => undefined };

/** The events of a stream until it ends. Leaving the loop closes the stream. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  listening: Listening = nobody,
): AsyncGenerator<StreamEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      listening.begin();
      const { done, value } = await reader.read().catch(lostOr);
      listening.end();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? "";
      if (rest.length > eventLengthMax)
        throw new ManagerError("protocol_error", "the manager sent an event that has no end");
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(block: string): StreamEvent | undefined {
  let type = "message";
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "event") type = value ?? "";
    if (field === "data") data.push(value ?? "");
    if (field === "id") id = value;
  }
  if (data.length === 0 && id === undefined) return undefined;
  return { type, data: data.length === 0 ? undefined : data.join("\n"), ...(id === undefined ? {} : { id }) };
}
