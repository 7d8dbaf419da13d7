/** A manager that answers as it was told and keeps what it was asked, on a real socket. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** The status and the body (text as it is, anything else as JSON) for `METHOD /path?query`; a list is used up, its last stays. */
export type Answers = Readonly<Record<string, readonly (readonly [number, unknown])[]>>;

export interface Told extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Starts one. What it was not told is answered 404. */
export async function toldManager(answers: Answers): Promise<Told> {
  const asked: Asked[] = [];
  const left = new Map(Object.entries(answers).map(([key, list]) => [key, [...list]]));
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, key: headers.authorization?.slice("Bearer ".length), headers, body });
    const list = left.get(`${method} ${path}`) ?? [];
    const [status, value] = (list.length > 1 ? list.shift() : list[0]) ?? [404, problem("not_found", "no such thing")];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof value === "string" ? value : JSON.stringify(value));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The body of a refusal. */
export function problem(code: string, detail: string, more: object = {}): object {
  return { type: `urn:mcp-manager:error:${code}`, title: code, code, reason: code.toUpperCase(), detail, ...more };
}

/** A Server as the manager answers it. */
export function serverOf(name: string, status: object = {}): object {
  return {
    kind: "Server",
    metadata: { name, uid: "u", generation: 1, revision: "7", labels: {}, createdAt: "2026-01-01T00:00:00Z" },
    spec: { source: { kind: "process", command: "node", args: [], env: {} }, replicas: 1 },
    status: {
      state: "ready",
      observedGeneration: 1,
      revision: `${name}-1`,
      replicas: { desired: 1, ready: 1 },
      conditions: [],
      ...status,
    },
  };
}
