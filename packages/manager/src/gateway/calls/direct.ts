/**
 * Tools without a client: what the management API needs of the data plane. The same routes, rights and connections as an MCP
 * client's call, with a promise at the end instead of a stream.
 */
import { ManagerError } from "@mcp-manager/api";
import { errorCodeOf, resultRange } from "../../protocol/response.ts";
import type { Principal } from "../../security/principal.ts";
import type { Catalog } from "../lists/catalog.ts";
import { takenBack } from "../../upstream/call-ending.ts";
import { revisionFor } from "../routing/assignment.ts";
import { headersFor } from "../../protocol/param-headers.ts";
import type { MayCall } from "../routing/route.ts";
import type { ServerRoute } from "../routing/routing-table.ts";
import type { MaySee } from "../view.ts";
import { DirectCall, type DirectCallDependencies } from "./direct-call.ts";

export interface DirectOptions extends DirectCallDependencies {
  readonly catalog: Catalog;
  readonly mayCall: MayCall;
  readonly maySee: MaySee;
}

export class DirectTools {
  readonly #options: DirectOptions;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** The tools of a server as JSON objects, under the names it shows on its own endpoint; waits for the list deadline at most. */
  async list(server: string, principal: Principal): Promise<readonly unknown[]> {
    const route = this.#route(server);
    const listing = await this.#options.catalog.listing(server, "tools", revisionOf(route, principal));
    if (listing.kind === "missing") throw listing.error;
    return listing.items.flatMap((item) => {
      const shown = route.exposure.shownTool(item.key);
      if (shown === undefined || !this.#options.maySee(principal, server, item.key)) return [];
      const tool = JSON.parse(item.bytes.toString()) as Record<string, unknown>;
      const description = route.exposure.toolDescription(item.key);
      return [{ ...tool, name: shown, ...(description === undefined ? {} : { description }) }];
    });
  }

  /** Number of tools known of a server; undefined before its list has come. */
  count(server: string): number | undefined {
    return this.#options.catalog.known(server, "tools")?.length;
  }

  /** Calls a tool and resolves with the bytes of its result as the server wrote them. The abort of `signal` takes the call back. */
  async call(
    server: string,
    tool: string,
    args: Readonly<Record<string, unknown>>,
    principal: Principal,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    if (signal?.aborted === true) throw takenBack(server, "tools/call");
    const route = this.#route(server);
    const name = route.exposure.originalTool(tool);
    if (name === undefined || !this.#options.mayCall(principal, server, name)) throw unknownTool(server, tool);
    const revision = revisionOf(route, principal);
    const paramHeaders = headersFor(this.#options.catalog.wantedHeaders(server, name, revision) ?? [], args);
    const taken = signal === undefined ? {} : { signal };
    const destination = { route, name, args, paramHeaders, principal, revision, ...taken };
    const answer = await new DirectCall(this.#options, destination).run();
    return resultOf(answer, server, tool);
  }

  #route(server: string): ServerRoute {
    const route = this.#options.table.current.servers.get(server);
    if (route !== undefined) return route;
    throw new ManagerError("not_found", `server "${server}" does not exist`, { server });
  }
}

/** Its lists and its calls are of one revision. */
function revisionOf(route: ServerRoute, principal: Principal): string | undefined {
  return revisionFor(route, { principal, clientName: undefined, header: () => undefined });
}

function resultOf(answer: Buffer, server: string, tool: string): Buffer {
  const range = resultRange(answer);
  if (range !== undefined) return answer.subarray(range.start, range.end);
  const code = errorCodeOf(answer);
  const { error } = JSON.parse(answer.toString()) as { error?: { message?: string } };
  const said = error?.message ?? "no message";
  if (code === -32602) {
    throw new ManagerError("invalid_argument", `server "${server}" refused the call of tool "${tool}": ${said}`, {
      server,
    });
  }
  throw new ManagerError(
    "protocol_error",
    `server "${server}" answered the call of tool "${tool}" with error ${code}: ${said}`,
    {
      server,
    },
  );
}

function unknownTool(server: string, tool: string): ManagerError {
  return new ManagerError("not_found", `server "${server}" has no tool "${tool}"`, { server });
}
