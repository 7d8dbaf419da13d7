/** A connection to the stand-in server over HTTP, opened as the program opens it. No part of the program. */
import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
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

/** Starts the stand-in; `messageBytesMax` bounds what the manager takes. */
export async function startHttp(options: HttpPeerOptions, messageBytesMax = 16_777_216): Promise<HttpBench> {
  const peer = new HttpPeer(options);
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
  const headerLines = `Host: 127.0.0.1:${port}\r\nX-Team: a\r\n`;
  const target = { server: "weather", origin, path: "/mcp?x=1", headerLines, messageBytesMax };
  return {
    peer,
    journal: peer.journal,
    clock,
    events,
    target,
    release: () => peer.peer.release(),
    open: (more) => openHttp({ target, events, openTimeoutMs: 5_000, ...more }),
    async [Symbol.asyncDispose]() {
      origin.destroy();
      await peer[Symbol.asyncDispose]();
      assert.equal(clock.pendingCount, 0, "no timer is left");
    },
  };
}
