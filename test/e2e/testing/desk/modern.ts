/** The desk as a modern server, on the SDK's v2 line: a fresh instance for each request, and questions as results. */
import type { RequestListener } from "node:http";
import {
  createMcpHandler,
  type InputRequests,
  inputRequired,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { capabilities, type Desk, type DeskCall, type Json, type Question, serverInfo } from "./desk.ts";

const answered = [
  "tools/list",
  "prompts/list",
  "prompts/get",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "completion/complete",
] as const;

/** The client has not been asked this yet. */
class Unasked extends Error {
  readonly question: Question;

  constructor(question: Question) {
    super(`ask ${question.method}`);
    this.question = question;
  }
}

/** Serves it over HTTP, to modern clients only. */
export function modernDeskListener(desk: Desk): RequestListener {
  const handler = createMcpHandler(() => modernDesk(desk), { legacy: "reject" });
  desk.watch((change) => {
    if ("uri" in change) handler.notify.resourceUpdated(change.uri);
    else handler.notify.toolsChanged();
  });
  return toNodeHandler(handler) as unknown as RequestListener;
}

function modernDesk(desk: Desk): Server {
  const server = new Server(serverInfo, { capabilities });
  for (const method of answered) {
    server.setRequestHandler(method, ({ params }) => (desk.answer(method, params) ?? {}) as never);
  }
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    try {
      return (await desk.call(params.name, callOf(params.arguments ?? {}, context))) as never;
    } catch (error) {
      if (!(error instanceof Unasked)) throw error;
      const inputRequests = { answer: error.question } as unknown as InputRequests;
      return inputRequired({ inputRequests, requestState: "asked" });
    }
  });
  return server;
}

function callOf(args: Json, { mcpReq }: ServerContext): DeskCall {
  const { inputResponses, signal } = mcpReq;
  const progressToken = mcpReq._meta?.progressToken;
  return {
    arguments: args,
    signal,
    ask(question) {
      const answer = inputResponses?.["answer"];
      return answer === undefined || mcpReq.requestState() !== "asked"
        ? Promise.reject(new Unasked(question))
        : Promise.resolve(answer as Json);
    },
    log: (level, data) => mcpReq.log(level, data),
    async progress(progress) {
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress } });
    },
  };
}
