/** An endpoint on loopback that keeps what it was sent and answers as it is told, on a real socket. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** Answers a request whose body was read. */
export type Answering = (response: ServerResponse, request: Received) => void;

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All that came, in its order. */
  readonly received: readonly Received[];
  /** How it answers from now on. */
  answer: Answering;
  /** Resolves when so many requests came in all. */
  count(number: number): Promise<void>;
}

/** Answers with a status and nothing else. */
export function status(code: number, headers: Readonly<Record<string, string>> = {}): Answering {
  return (response) => response.writeHead(code, headers).end();
}

/** Opens one on a free port, or on the one that it had before. */
export async function openEndpoint(answer: Answering = status(204), port = 0): Promise<Endpoint> {
  const received: Received[] = [];
  let waiting: { readonly number: number; readonly resolve: () => void }[] = [];
  const endpoint = { answer };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { url: path = "", headers } = request;
    const one: Received = { path, headers, body: Buffer.concat(chunks).toString() };
    received.push(one);
    endpoint.answer(response, one);
    const due = waiting.filter(({ number }) => number <= received.length);
    waiting = waiting.filter(({ number }) => number > received.length);
    for (const { resolve } of due) resolve();
  };
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    void take(request, response).catch(() => undefined); // it went away
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const bound = (server.address() as AddressInfo).port;
  return Object.assign(endpoint, {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    received,
    count(number: number): Promise<void> {
      if (received.length >= number) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ number, resolve });
      return promise;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
