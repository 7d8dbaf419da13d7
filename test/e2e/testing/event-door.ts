/**
 * What tells events, from a real store on disk to a real socket, as the manager puts it together; without servers that run, so that
 * a test writes as fast as the store takes it. It can be ended and begun again on the same directory and port.
 */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Server } from "@mcp-manager/api";
import { sendEvents } from "../../../packages/manager/src/api/event-answer.ts";
import { systemClock } from "../../../packages/manager/src/base/clock.ts";
import { systemRandom } from "../../../packages/manager/src/base/random.ts";
import { EventBus } from "../../../packages/manager/src/events/bus.ts";
import { BusStreams } from "../../../packages/manager/src/events/bus-streams.ts";
import { StoreEvents } from "../../../packages/manager/src/events/store-events.ts";
import { Registry } from "../../../packages/manager/src/registry/registry.ts";
import { openSqliteStore } from "../../../packages/manager/src/store/sqlite.ts";
import type { Store } from "../../../packages/manager/src/store/store.ts";

export interface EventDoor extends AsyncDisposable {
  readonly store: Store;
  readonly registry: Registry;
  readonly port: number;
  /** Cuts a connection as a network does: without a word. */
  cut(which: (sockets: readonly Socket[]) => Socket | undefined): void;
}

const parts = { clock: systemClock, random: systemRandom };

/** `capacity` is the ring's; `port` 0 takes a free one. */
export async function openEventDoor(directory: string, capacity: number, port: number): Promise<EventDoor> {
  const store = await openSqliteStore({ directory, ...parts });
  const registry = new Registry({ store, ...parts });
  const bus = new EventBus({ clock: systemClock, capacity });
  const storeEvents = new StoreEvents({ registry, bus, ...parts });
  await storeEvents.start();
  const streams = new BusStreams({ bus, registry, clock: systemClock, leastView: (server: Server) => server });
  const sockets = new Set<Socket>();
  const http = await listen(port, streams, sockets);
  return {
    store,
    registry,
    port: (http.address() as AddressInfo).port,
    cut: (which) => which([...sockets])?.destroy(),
    async [Symbol.asyncDispose]() {
      streams[Symbol.dispose]();
      http.closeAllConnections();
      http.close();
      await storeEvents[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

async function listen(port: number, streams: BusStreams, sockets: Set<Socket>): Promise<HttpServer> {
  const http = createServer((request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const position = request.headers["last-event-id"];
    const after = typeof position === "string" ? { after: position } : {};
    const items = streams.open({ topics: ["server.*"], signal: gone.signal, ...after });
    void sendEvents(request, response, { items, clock: systemClock }).catch(() => response.destroy());
  });
  http.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  return http;
}
