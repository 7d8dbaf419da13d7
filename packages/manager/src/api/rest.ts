/**
 * The REST door: HTTP in, one operation, HTTP out. Routes by the table, reads the body, checks the permission, and shows results
 * and errors as `resources.md` says; it holds no rule of its own. The listener has authenticated the caller before.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ManagerError, parseQuery } from "@mcp-manager/api";
import type { Operation, OperationName, Principal } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Audit } from "../telemetry/audit.ts";
import { auditEntry } from "./audit-entry.ts";
import { etag, sendBytes, sendError, sendJson, sendLines } from "./answer.ts";
import { BodyRefusal, readBody } from "./body.ts";
import type { Operations } from "./operations.ts";
import type { Authorizer } from "./ports.ts";
import type { OperationReply } from "./request.ts";
import { demand } from "./request.ts";
import { routeOf } from "./route.ts";

export interface RestOptions {
  readonly operations: Operations;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  /** Where changes, and what was refused, are noted. Default: nowhere. */
  readonly audit?: Pick<Audit, "record">;
  /** Hears of failures that are ours (`internal`): the caller is only told that there was one. */
  readonly onFailure: (operation: OperationName, error: ManagerError) => void;
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
    const { name, operation } = routed;
    const asked = { name, operation, path: routed.path, query: new URLSearchParams(query), principal };
    const note = (failure?: ManagerError): void => {
      const entry = auditEntry({ ...asked, address: request.socket.remoteAddress }, failure);
      if (entry !== undefined) options.audit?.record(entry);
    };
    void answer(request, response, asked, options).then(
      () => note(),
      (error: unknown) => {
        const failure = ManagerError.from(error);
        note(failure);
        if (failure.code === "internal") options.onFailure(name, failure);
        refuse(request, response, failure);
      },
    );
  };
}

interface Asked {
  readonly name: OperationName;
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly principal: Principal;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
  options: RestOptions,
): Promise<void> {
  const { name, operation, path, principal } = asked;
  const { permission, summary } = operation;
  if (permission !== undefined) demand(options.authorizer, principal, permission, `do this: ${summary}`);
  const query = parseQuery(operation, asked.query);
  const body = await readBody(request, operation, name === "callTool");
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const ifMatch = ifMatchOf(request, operation);
  const reply = await options.operations[name]({
    principal,
    path,
    query,
    body,
    signal: gone.signal,
    ...(ifMatch === undefined ? {} : { ifMatch }),
  });
  await send(request, response, reply, options.clock);
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
  }
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

function noCredential(refusal: string | undefined): ManagerError {
  return new ManagerError("unauthenticated", refusal ?? "a credential is needed: send Authorization: Bearer <key>");
}

function unknownPath(path: string): ManagerError {
  const shown = path.slice(0, 100);
  return new ManagerError("not_found", `there is nothing at ${shown}: /api/v1/openapi.json lists what there is`);
}
