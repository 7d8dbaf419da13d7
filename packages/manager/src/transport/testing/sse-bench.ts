/** A connection to the stand-in server over HTTP+SSE, opened as the program opens it. No part of the program. */
import assert from "node:assert/strict";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import type { Connection } from "../connection.ts";
import { HttpOrigin } from "../http-origin.ts";
import { openSse, type OpenSseOptions } from "../sse-open.ts";
import { RecordingEvents } from "./calls.ts";
import { SsePeer, type SsePeerOptions } from "./sse-peer.ts";

export interface SseBench extends AsyncDisposable {
  readonly peer: SsePeer;
  readonly journal: readonly string[];
  readonly clock: ManualClock;
  readonly events: RecordingEvents;
  readonly origin: HttpOrigin;
  release(): void;
  open(options?: Partial<OpenSseOptions>): Promise<Connection>;
}

/** Starts the stand-in; `messageBytesMax` bounds what the manager takes. */
export async function startSse(options: SsePeerOptions = {}, messageBytesMax = 16_777_216): Promise<SseBench> {
  const peer = new SsePeer(options);
  const port = await peer.listen();
  const clock = new ManualClock();
  const events = new RecordingEvents();
  const origin = new HttpOrigin({
    host: "127.0.0.1",
    port,
    connectionsMax: 64,
    clock,
    idleTimeoutMs: 30_000,
    headerBytesMax: 65_536,
    connectTimeoutMs: 5_000,
  });
  const url = new URL(`http://127.0.0.1:${port}/sse?x=1`);
  const headerLines = `Host: ${url.host}\r\nX-Team: a\r\n`;
  const target = { server: "weather", origin, url, path: "/sse?x=1", headerLines, messageBytesMax };
  const opened: Connection[] = [];
  return {
    peer,
    journal: peer.journal,
    clock,
    events,
    origin,
    release: () => peer.peer.release(),
    async open(more) {
      const connection = await openSse({ target, events, openTimeoutMs: 5_000, ...more });
      opened.push(connection);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of opened) connection.destroy(new ManagerError("unavailable", "the test is over"));
      origin.destroy();
      await peer[Symbol.asyncDispose]();
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}
