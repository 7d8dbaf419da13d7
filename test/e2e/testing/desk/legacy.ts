/** The desk as a legacy server, on the SDK's v1 line: one session on whatever transport it is connected to, or many over HTTP. */
import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { capabilities, type Change, type Desk, type DeskCall, serverInfo } from "./desk.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const answered = [
  ListToolsRequestSchema,
  ListPromptsRequestSchema,
  GetPromptRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  CompleteRequestSchema,
];

/** A server for one session. */
export function legacyDesk(desk: Desk): Server {
  const server = new Server(serverInfo, { capabilities });
  const uris = new Set<string>();
  let level = "debug";
  for (const schema of answered) {
    server.setRequestHandler(schema, ({ method, params }) => desk.answer(method, params) ?? {});
  }
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    desk.call(
      params.name,
      callOf(params.arguments ?? {}, extra, () => level),
    ),
  );
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    level = params.level;
    return {};
  });
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    uris.add(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    uris.delete(params.uri);
    return {};
  });
  const unwatch = desk.watch((change) => void tell(server, uris, change).catch(() => undefined));
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's only way
  server.onclose = unwatch;
  return server;
}

function callOf(args: DeskCall["arguments"], extra: Extra, level: () => string): DeskCall {
  const progressToken = extra._meta?.progressToken;
  return {
    arguments: args,
    signal: extra.signal,
    ask: (question) => extra.sendRequest(question as ServerRequest, ResultSchema),
    async log(of, data) {
      if (of === "debug" && level() !== "debug") return;
      await extra.sendNotification({ method: "notifications/message", params: { level: of, data } });
    },
    async progress(progress) {
      if (progressToken === undefined) return;
      await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress } });
    },
  };
}

async function tell(server: Server, uris: ReadonlySet<string>, change: Change): Promise<void> {
  if (!("uri" in change)) await server.sendToolListChanged();
  else if (uris.has(change.uri)) await server.sendResourceUpdated({ uri: change.uri });
}

/** Serves it over HTTP, a server for each session. */
export function legacyDeskListener(desk: Desk): RequestListener {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await legacyDesk(desk).connect(transport);
    return transport;
  };
  return (request, response) => {
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) return void response.writeHead(404).end();
    const handle = async (): Promise<void> => (known ?? (await open())).handleRequest(request, response);
    handle().catch((error: unknown) => response.destroy(error as Error));
  };
}
