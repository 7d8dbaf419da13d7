/** The operations that reach into the running system: tools, calls, logs, health. */
import type { Server } from "@mcp-manager/api";
import { check, invalidFields, isName, toolCallSchema } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Authorizer, LiveState, ProcessHealth, ReplicaLogs, Tools } from "../ports.ts";
import type { Implementation, OperationRequest } from "../request.ts";
import { flag, integer, notFound, pathValue, text } from "../request.ts";
import { healthSummary } from "./health-summary.ts";
import { viewFailure } from "./server-view.ts";

export interface DataPlaneOperationsOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly tools: Tools;
  readonly logs: ReplicaLogs;
  readonly live: LiveState;
  readonly health: ProcessHealth;
}

/** Lines of a log unless the caller says otherwise. */
const tailLinesDefault = 100;

/** The implementations, by operation. */
export function dataPlaneOperations(
  options: DataPlaneOperationsOptions,
): Readonly<Record<"listTools" | "callTool" | "readLogs" | "getHealth", Implementation>> {
  const { registry, tools, logs, live, health, authorizer } = options;

  const named = (request: OperationRequest): string => {
    const name = pathValue(request, "name");
    if (isName(name)) return name;
    throw notFound("server", name);
  };

  const existing = async (request: OperationRequest): Promise<string> => {
    const name = named(request);
    if ((await registry.resources(kinds.Server).get(name)) !== undefined) return name;
    throw notFound("server", name);
  };

  // Which servers have tools is known where they are called: to ask the store as well would cost more than a call.
  return {
    async listTools(request) {
      const items = await tools.list(named(request), request.principal);
      return { kind: "json", status: 200, body: { items } };
    },

    async callTool(request) {
      const checked = check(toolCallSchema, request.body ?? {});
      if (checked.kind === "wrong") throw invalidFields("tool call", checked.fields);
      const server = named(request);
      const arguments_ = checked.value.arguments ?? {};
      const { principal, signal } = request;
      const bytes = await tools.call(server, pathValue(request, "tool"), arguments_, principal, signal);
      return { kind: "raw", status: 200, bytes };
    },

    async readLogs(request) {
      const server = await existing(request);
      const { items } = await registry.resources(kinds.Replica).list({ where: ({ spec }) => spec.server === server });
      const replica = text(request, "replica");
      if (replica !== undefined && !items.some(({ metadata }) => metadata.name === replica)) {
        throw notFound(`replica of server "${server}"`, replica);
      }
      const lines = logs.read({
        server,
        ...(replica === undefined ? {} : { replica }),
        tail: integer(request, "tail", tailLinesDefault),
        follow: flag(request, "follow"),
        signal: request.signal,
      });
      return { kind: "lines", lines, named: replica === undefined && items.length > 1 };
    },

    async getHealth({ principal }) {
      const servers = (await allServers(registry)).map((server) => ({
        ...server,
        status: viewFailure(server.status, principal, authorizer),
      }));
      return { kind: "json", status: 200, body: healthSummary(servers, health, live) };
    },
  };
}

async function allServers(registry: Registry): Promise<readonly Server[]> {
  const servers: Server[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.resources(kinds.Server).list(cursor === undefined ? {} : { cursor });
    servers.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return servers;
}
