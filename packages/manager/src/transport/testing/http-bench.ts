/** A connection to the stand-in server over HTTP, opened as the program opens it. No part of the program. */
import assert from "node:assert/strict";
import { ManagerError } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import type { Connection } from "../connection.ts";
import type { HttpTarget } from "../http-call.ts";
import { openHttp, type OpenHttpOptions } from "../http-open.ts";
import { HttpOrigin } from "../http-origin.ts";
import { RecordingEvents } from "./calls.ts";
import { HttpPeer, type HttpPeerOptions } from "./http-peer.ts";

export interface HttpBench extends AsyncDisposable {
  readonly peer: HttpPeer;
  readonly journal: readonly string[];
  readonly clock: ManualClock;
  readonly events: RecordingEvents;
  readonly target: HttpTarget;
  release(): void;
  open(options?: Partial<OpenHttpOptions>): Promise<Connection>;
}

/** Starts the stand-in; `messageBytesMax` bounds what the manager takes, `connectionsMax` its connections. */
export async function startHttp(
  options: HttpPeerOptions,
  messageBytesMax = 16_777_216,
  connectionsMax = 64,
): Promise<HttpBench> {
  const peer = new HttpPeer(options);
  const port = await peer.listen();
  const clock = new ManualClock();
  const events = new RecordingEvents();
  const origin = new HttpOrigin({
    host: "127.0.0.1",
    port,
    connectionsMax,
    clock,
    idleTimeoutMs: 30_000,
    headerBytesMax: 65_536,
    connectTimeoutMs: 5_000,
  });
  const headerLines = `Host: 127.0.0.1:${port}\r\nX-Team: a\r\n`;
  const target = { server: "weather", origin, path: "/mcp?x=1", headerLines, messageBytesMax };
  const opened: Connection[] = [];
  return {
    peer,
    journal: peer.journal,
    clock,
    events,
    target,
    release: () => peer.peer.release(),
    async open(more) {
      const connection = await openHttp({ target, events, random: seededRandom(1), openTimeoutMs: 5_000, ...more });
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
