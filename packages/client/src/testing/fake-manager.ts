/** A server that stands in for a manager, and a clock in which pauses are over at once: for tests of how the client asks. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "../client.ts";
import type { ClientClock } from "../clock.ts";
import type { ClientOptions } from "../connection.ts";

/** One request as it came. */
export interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Fake extends AsyncDisposable {
  readonly client: Client;
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Milliseconds that the client waited before it asked again. */
  readonly pauses: readonly number[];
}

/** Answers everything with `answer`, which is told how many requests came before. */
export async function openFake(
  answer: (request: IncomingMessage, response: ServerResponse, before: number) => void,
  options: Partial<ClientOptions> = {},
): Promise<Fake> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const line = `${request.method} ${request.url}`;
      asked.push({ line, headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(request, response, asked.length - 1);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = new HastyClock();
  return {
    client: new Client({ url: `${url}/`, key: "k", clock, random: () => 0.5, ...options }),
    url,
    asked,
    pauses: clock.pauses,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The bounds on a call's time and on a stream's silence never come; whatever is shorter is a pause, and over at once. */
export class HastyClock implements ClientClock {
  readonly pauses: number[] = [];
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    if (delayMs >= 45_000) return { cancel: () => undefined };
    this.pauses.push(delayMs);
    this.#nowMs += delayMs;
    const handle = setImmediate(run);
    return { cancel: () => clearImmediate(handle) };
  }
}
