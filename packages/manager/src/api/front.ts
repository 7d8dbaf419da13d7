/**
 * Everything that is served over HTTP beside the MCP endpoints: probes, metrics and the REST door. Which of them needs no
 * credential is decided here, and it is two paths.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ManagerError } from "@mcp-manager/api";
import type { Principal } from "@mcp-manager/api";
import { sendBytes, sendError, sendJson } from "./answer.ts";
import type { Authorizer, ProbeSource } from "./ports.ts";
import { demand } from "./request.ts";
import type { RestHandler } from "./rest.ts";

export interface FrontOptions {
  readonly rest: RestHandler;
  readonly probes: ProbeSource;
  readonly authorizer: Authorizer;
}

/** Builds the handler of whatever is no MCP endpoint. */
export function createFront(options: FrontOptions): RestHandler {
  const { rest, probes } = options;
  return (request, response, principal, refusal) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    if (path !== "/health" && path !== "/ready" && path !== "/metrics")
      return rest(request, response, principal, refusal);
    if (request.method !== "GET" && request.method !== "HEAD") {
      const error = new ManagerError("invalid_argument", `${path} takes GET, HEAD, not ${request.method}`);
      return sendError(request, response, error, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    if (path === "/health") return sendJson(response, { status: 200, body: { status: "ok" } });
    if (path === "/ready") return sendReady(request, response, probes);
    void sendMetrics(response, principal, options, refusal).catch((error: unknown) => {
      sendError(request, response, ManagerError.from(error));
    });
  };
}

function sendReady(request: IncomingMessage, response: ServerResponse, probes: ProbeSource): void {
  const reason = probes.notReady();
  if (reason === undefined) return sendJson(response, { status: 200, body: { status: "ready" } });
  sendError(request, response, new ManagerError("unavailable", `not ready: ${reason}`, { retryAfterMs: 1_000 }));
}

async function sendMetrics(
  response: ServerResponse,
  principal: Principal | undefined,
  options: FrontOptions,
  refusal: string | undefined,
): Promise<void> {
  if (principal === undefined) {
    throw new ManagerError("unauthenticated", refusal ?? "metrics need a credential: send Authorization: Bearer <key>");
  }
  demand(options.authorizer, principal, "metrics:read", "read metrics");
  const text = await options.probes.metrics();
  sendBytes(response, 200, Buffer.from(text), "text/plain; version=0.0.4; charset=utf-8");
}
