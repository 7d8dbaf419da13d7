/** The keeper as tests start it: over HTTP in this process, with sessions that it can forget; on stdio as a source for the manager. */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Keeper, type Message } from "./keeper.ts";

export interface KeeperServer extends AsyncDisposable {
  readonly url: string;
  /** Sessions that it has now. */
  readonly sessions: number;
  /** Methods of all requests, in order, each with its session. */
  readonly heard: readonly { readonly method: string; readonly session: string | undefined }[];
  /** Forgets every session: whoever comes with one is told 404. */
  forget(): void;
}

interface Session {
  readonly keeper: Keeper;
  /** The stream on which its client listens. */
  stream: ServerResponse | undefined;
}

/** Starts one of the legacy era on a free port. */
export async function startKeeper(): Promise<KeeperServer> {
  const sessions = new Map<string, Session>();
  const heard: { method: string; session: string | undefined }[] = [];
  const open = (): string => {
    const id = randomUUID();
    const session: Session = {
      keeper: new Keeper("legacy", (message) => void session.stream?.write(event(message))),
      stream: undefined,
    };
    sessions.set(id, session);
    return id;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const given = request.headers["mcp-session-id"];
    const message = body === "" ? {} : (JSON.parse(body) as Message);
    const id = message.method === "initialize" ? open() : String(given);
    const session = sessions.get(id);
    if (session === undefined) return void response.writeHead(404).end();
    if (message.method !== undefined) heard.push({ method: message.method, session: id });
    if (request.method === "DELETE") return void (sessions.delete(id), response.writeHead(200).end());
    if (request.method === "GET") return listen(session, response);
    if (message.id === undefined || message.method === undefined) response.writeHead(202).end();
    else response.writeHead(200, { "content-type": "text/event-stream", "mcp-session-id": id });
    session.keeper.receive(message, (each) => {
      response.write(event(each));
      if ("result" in each || "error" in each) response.end();
    });
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    heard,
    get sessions() {
      return sessions.size;
    },
    forget: () => sessions.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(session: Session, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  session.stream = response;
}

function event(message: object): string {
  return `data: ${JSON.stringify(message)}\n\n`;
}

/** The source of one on stdio. A tag makes its processes easy to find. */
export function keeperProcess(era: "legacy" | "modern", ...tag: readonly string[]): object {
  const program = fileURLToPath(new URL("./main.ts", import.meta.url));
  return { kind: "process", command: process.execPath, args: [program, era, ...tag] };
}
