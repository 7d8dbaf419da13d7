/**
 * A wire over TCP on which things go wrong when told to: it passes bytes on both ways, late, in pieces, slowly, not at all, or loses its
 * connections. What is set holds for open connections and for new ones. Latency is the time of a byte in one direction.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What the wire does. All that is absent it does not do. */
export interface WireFaults {
  readonly latencyMs?: number;
  readonly bytesPerSecond?: number;
  /** Pieces of so many bytes, each in a packet of its own. */
  readonly sliceBytes?: number;
  /** Bytes are taken and lost; connections stay. */
  readonly blackHole?: boolean;
  /** After so many bytes of an answer its connection is reset. */
  readonly cutAfterBytes?: number;
  /** After so many bytes of an answer its connection gets its end, and takes the other direction all the same. */
  readonly halfCloseAfterBytes?: number;
  /** New connections are reset. */
  readonly refuse?: boolean;
}

export class FaultProxy implements AsyncDisposable {
  faults: WireFaults = {};
  /** Connections that were taken, refused ones included. */
  accepted = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Resets every open connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Closes every open connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Starts one before `target`, a URL; its own has the same path. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port, pathname } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    proxy.accepted += 1;
    if (proxy.faults.refuse === true) return void near.resetAndDestroy();
    const far = connect({ port: Number(port), host: hostname, noDelay: true });
    const ends = [near, far];
    for (const socket of ends) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        for (const end of ends) end.destroy();
      });
    }
    void pass(near, far, () => proxy.faults, false);
    void pass(far, near, () => proxy.faults, true);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`;
  const proxy = new FaultProxy(url, server, sockets);
  return proxy;
}

/** One direction of one connection. */
async function pass(from: Socket, to: Socket, faults: () => WireFaults, isAnswer: boolean): Promise<void> {
  let passed = 0;
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (faults().blackHole === true) continue;
      for (let rest = chunk; rest.length > 0;) {
        const { latencyMs = 0, bytesPerSecond = Infinity, sliceBytes = Infinity } = faults();
        const piece = rest.subarray(0, Math.min(rest.length, sliceBytes, allowance(faults(), passed, isAnswer)));
        rest = rest.subarray(piece.length);
        const lateMs = latencyMs + (piece.length / bytesPerSecond) * 1_000;
        // Nothing to wait for is not even a turn of the timers.
        if (lateMs >= 1) await sleep(lateMs);
        else if (sliceBytes < Infinity) await new Promise(setImmediate);
        await written(to, piece);
        passed += piece.length;
        if (isAnswer && passed >= (faults().cutAfterBytes ?? Infinity)) return void to.resetAndDestroy();
        if (isAnswer && passed >= (faults().halfCloseAfterBytes ?? Infinity)) return void to.end();
      }
    }
    to.end();
  } catch {
    // It was reset or destroyed; the other end goes the same way by its `close`.
  }
}

/** How many bytes may go before something happens. */
function allowance({ cutAfterBytes, halfCloseAfterBytes }: WireFaults, passed: number, isAnswer: boolean): number {
  if (!isAnswer) return Infinity;
  return Math.max(1, Math.min(cutAfterBytes ?? Infinity, halfCloseAfterBytes ?? Infinity) - passed);
}

async function written(to: Socket, piece: Buffer): Promise<void> {
  if (to.write(piece) || to.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      to.off("drain", go).off("close", go);
      resolve();
    };
    to.on("drain", go).on("close", go);
  });
}
