/**
 * A stream of events as server-sent events (HTML standard, 9.2), at the reader's pace. What is there at once goes out in one write;
 * a reader that does not take it holds up nothing but its own place. Decides nothing about what is sent.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Event, StreamItem } from "@mcp-manager/api";
import { eventStreamType } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { beginStream, drained } from "./answer.ts";

/** What is written at once, in characters, before the reader has to take some. */
const batchLength = 65_536;

/** An event is written once, however many hear of it; whoever may see less of it has an event of its own. */
const written = new WeakMap<Event, string>();

/** Answers with the items as they come. Resolves when they end or the reader has gone. */
export async function sendEvents(
  request: IncomingMessage,
  response: ServerResponse,
  { items, clock }: { readonly items: AsyncIterable<StreamItem>; readonly clock: Clock },
): Promise<void> {
  const stopKeepAlive = beginStream(response, eventStreamType, clock);
  let pending = "";
  const flush = (): boolean => {
    const batch = pending;
    pending = "";
    return batch === "" || response.destroyed || response.write(batch);
  };
  let isAfterSnapshot = false;
  try {
    // Whoever asks for the head alone would wait for its end for ever.
    for await (const item of request.method === "HEAD" ? [] : items) {
      if (response.destroyed) return;
      // Runs when nothing is there at once any more.
      if (pending === "") process.nextTick(flush);
      pending += chunkOf(item, isAfterSnapshot);
      isAfterSnapshot = item.kind === "reset" || item.kind === "snapshot";
      if (pending.length >= batchLength) flush();
      if (response.writableNeedDrain) await drained(response);
    }
    flush();
    response.end();
  } finally {
    stopKeepAlive();
  }
}

function chunkOf(item: StreamItem, isAfterSnapshot: boolean): string {
  switch (item.kind) {
    case "event": {
      const id = item.position === undefined ? "" : `id: ${item.position}\n`;
      return `event: ${item.event.topic}\n${id}data: ${textOf(item.event)}\n\n`;
    }
    case "synced":
      // Without data it moves the reader's place and is told to nobody.
      return isAfterSnapshot
        ? `event: synced\nid: ${item.position}\ndata: ${JSON.stringify({ position: item.position })}\n\n`
        : `id: ${item.position}\n\n`;
    default: {
      const { kind, ...data } = item;
      return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
    }
  }
}

function textOf(event: Event): string {
  const known = written.get(event);
  if (known !== undefined) return known;
  const text = JSON.stringify(event);
  written.set(event, text);
  return text;
}
