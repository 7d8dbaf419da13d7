/**
 * The REST door: HTTP in, one operation, HTTP out. Routes by the table, reads what was sent, and shows results and errors as
 * `resources.md` says; it holds no rule of its own. The listener has authenticated the caller before.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { lastEventId, ManagerError, parseQuery } from "@mcp-manager/api";
import type { Operation, OperationName, ParameterValue, Principal } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { etag, sendBytes, sendError, sendJson, sendLines } from "./answer.ts";
import { sendEvents } from "./event-answer.ts";
import { BodyRefusal, readBody } from "./body.ts";
import { perform } from "./perform.ts";
import type { PerformOptions } from "./perform.ts";
import type { OperationReply, OperationRequest } from "./request.ts";
import { noCredential } from "./request.ts";
import { routeOf } from "./route.ts";

export interface RestOptions extends PerformOptions {
  readonly clock: Clock;
}

/**
 * Answers a request under `/api/v1`. `principal` is undefined when there was no good credential; `refusal` says what was wrong with
 * the one that was sent. Never throws.
 */
export type RestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal | undefined,
  refusal?: string,
) => void;

/** Builds the handler. */
export function createRest(options: RestOptions): RestHandler {
  return (request, response, principal, refusal) => {
    const [path = "/", query = ""] = (request.url ?? "/").split("?", 2);
    const routed = routeOf(request.method ?? "GET", path);
    if (principal === undefined) return sendError(request, response, noCredential(refusal));
    if (routed.kind === "unknown") return sendError(request, response, unknownPath(path));
    if (routed.kind === "method-not-allowed") {
      const error = new ManagerError(
        "invalid_argument",
        `${path} takes ${routed.allowed.join(", ")}, not ${request.method}`,
      );
      return sendError(request, response, error, { status: 405, headers: { allow: routed.allowed.join(", ") } });
    }
    const { name, path: parameters } = routed;
    const asking = { name, path: parameters, principal, address: request.socket.remoteAddress };
    const read = (): ReturnType<typeof readRequest> => readRequest(request, response, { ...routed, query });
    const write = (reply: OperationReply): void | Promise<void> => send(request, response, reply, options.clock);
    void perform(asking, read, write, options).catch((error: unknown) =>
      refuse(request, response, ManagerError.from(error)),
    );
  };
}

/** What was sent beside the path, read and checked as far as the table knows it. */
async function readRequest(
  request: IncomingMessage,
  response: ServerResponse,
  asked: { readonly name: OperationName; readonly operation: Operation; readonly query: string },
): Promise<Omit<OperationRequest, "path" | "principal">> {
  const { name, operation } = asked;
  const query = withPosition(request, operation, parseQuery(operation, new URLSearchParams(asked.query)));
  const body = await readBody(request, operation, name === "callTool");
  const gone = new AbortController();
  // An abort has a price, and whoever has its whole answer needs none.
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  const ifMatch = ifMatchOf(request, operation);
  return { query, body, signal: gone.signal, ...(ifMatch === undefined ? {} : { ifMatch }) };
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: OperationReply,
  clock: Clock,
): Promise<void> {
  switch (reply.kind) {
    case "json":
      return sendJson(response, reply);
    case "raw":
      return sendBytes(response, reply.status, reply.bytes, "application/json");
    case "lines":
      return sendLines(request, response, { ...reply, clock });
    case "stream":
      return sendEvents(request, response, { ...reply, clock });
  }
}

/** With the position of a reader that comes back, where the operation takes one: an older one may still stand in its URL. */
function withPosition(
  request: IncomingMessage,
  operation: Operation,
  query: ReadonlyMap<string, ParameterValue>,
): ReadonlyMap<string, ParameterValue> {
  const position = request.headers["last-event-id"];
  if (typeof position !== "string" || !operation.parameters.some(({ name }) => name === lastEventId)) return query;
  return new Map([...query, ["after", position]]);
}

/** The revision in `If-Match`, where the operation takes one. Ours are strong and decimal; anything else matches nothing. */
function ifMatchOf(request: IncomingMessage, operation: Operation): string | undefined {
  const header = request.headers["if-match"]?.trim();
  if (header === undefined || !operation.parameters.some(({ name }) => name === "If-Match")) return undefined;
  return header === "*" ? "*" : (/^"([0-9]{1,20})"$/.exec(header)?.[1] ?? header);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: ManagerError): void {
  if (error instanceof BodyRefusal) return sendError(request, response, error, { status: error.status });
  const isMismatch = error.code === "conflict" && request.headers["if-match"] !== undefined;
  if (!isMismatch) return sendError(request, response, error);
  const current = error.details["current"] as { readonly metadata?: { readonly revision?: string } } | undefined;
  return sendError(request, response, error, { status: 412, headers: etag(current?.metadata?.revision) });
}

function unknownPath(path: string): ManagerError {
  const shown = path.slice(0, 100);
  return new ManagerError("not_found", `there is nothing at ${shown}: /api/v1/openapi.json lists what there is`);
}
