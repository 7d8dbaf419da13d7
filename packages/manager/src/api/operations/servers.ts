/** The operations on servers, and on the revisions and replicas that belong to one. */
import type { OperationName, Override, Principal, Server, ServerDraft } from "@mcp-manager/api";
import { check, invalidFields, isName, parseLabels, parseServer, restartRequestSchema } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Informer } from "../../registry/informer.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Clock } from "../../base/clock.ts";
import type { Authorizer, LiveState } from "../ports.ts";
import type { Implementation, OperationReply, OperationRequest } from "../request.ts";
import { flag, integer, notFound, pathValue, text } from "../request.ts";
import { BreakerDecisions } from "./breaker.ts";
import { replicaWithLoad, withEvents, withLoad } from "./live-status.ts";
import { pageItemsDefault, pageOf } from "./page.ts";
import { revisionsOf } from "./revisions-of.ts";
import { viewFailure, viewServer, viewSource } from "./server-view.ts";
import { demandSource } from "./source-rights.ts";
import type { ServerWrites } from "./server-writes.ts";

type ServerOperationName =
  | "listServers"
  | "createServer"
  | "getServer"
  | "putServer"
  | "deleteServer"
  | "restartServer"
  | "setBreaker"
  | "listRevisions"
  | "listReplicas";

export interface ServerOperationsOptions {
  readonly registry: Registry;
  readonly writes: ServerWrites;
  readonly authorizer: Authorizer;
  readonly live: LiveState;
  readonly overrides: Informer<Override>;
  readonly clock: Clock;
}

/** The implementations, by operation. */
export function serverOperations(
  options: ServerOperationsOptions,
): Readonly<Record<Extract<OperationName, ServerOperationName>, Implementation>> {
  const { registry, writes, authorizer, live } = options;
  const breakers = new BreakerDecisions(options);

  const answer = (status: number, server: Server, principal: Principal, begun?: string): OperationReply => {
    const { revision } = server.metadata;
    const body = withLoad(viewServer(server, principal, authorizer), live);
    const deployment = begun === undefined ? {} : { deployment: begun };
    return { kind: "json", status, body, ...deployment, ...(revision === "" ? {} : { revision }) };
  };

  const draftOf = async (request: OperationRequest, name?: string): Promise<ServerDraft> => {
    const draft = parseServer(request.body, name === undefined ? {} : { name });
    const current = (await registry.resources(kinds.Server).get(draft.name))?.spec.source;
    demandSource(authorizer, request.principal, { server: draft.name, source: draft.spec.source, current });
    return draft;
  };

  const existing = async (request: OperationRequest): Promise<Server> => {
    const name = pathValue(request, "name");
    const server = isName(name) ? await registry.resources(kinds.Server).get(name) : undefined;
    if (server === undefined) throw notFound("server", name);
    return server;
  };

  return {
    async listServers(request) {
      const labels = text(request, "labels");
      const cursor = text(request, "cursor");
      const { items, nextCursor } = await registry.resources(kinds.Server).list({
        limit: integer(request, "limit", pageItemsDefault),
        ...(cursor === undefined ? {} : { cursor }),
        ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
      });
      const shown = items.map((server) => withLoad(viewServer(server, request.principal, authorizer), live));
      const body = nextCursor === undefined ? { items: shown } : { items: shown, nextCursor };
      return { kind: "json", status: 200, body };
    },

    async createServer(request) {
      const how = { isNew: true, dryRun: flag(request, "dryRun") };
      const { server, deployment } = await writes.apply(await draftOf(request), how);
      return answer(201, server, request.principal, deployment);
    },

    async getServer(request) {
      return answer(200, withEvents(await existing(request), live), request.principal);
    },

    async putServer(request) {
      const draft = await draftOf(request, pathValue(request, "name"));
      const expected = request.ifMatch === undefined ? {} : { expected: request.ifMatch };
      const applied = await writes.apply(draft, { dryRun: flag(request, "dryRun"), ...expected });
      const status = applied.outcome === "created" ? 201 : 200;
      return answer(status, applied.server, request.principal, applied.deployment);
    },

    async deleteServer(request) {
      const { metadata } = await existing(request);
      const expected = request.ifMatch === undefined ? {} : { expected: request.ifMatch };
      const server = await writes.remove(metadata.name, { force: flag(request, "force"), ...expected });
      return answer(202, server, request.principal);
    },

    async restartServer(request) {
      const { metadata } = await existing(request);
      const checked = check(restartRequestSchema, request.body ?? {});
      if (checked.kind === "wrong") throw invalidFields("restart", checked.fields);
      return answer(202, await writes.restart(metadata.name, checked.value.replica), request.principal);
    },

    async setBreaker(request) {
      const { metadata } = await existing(request);
      await breakers.decide(metadata.name, request.body, request.principal);
      return answer(200, await existing(request), request.principal);
    },

    async listRevisions(request) {
      const { metadata } = await existing(request);
      const shown = (await revisionsOf(registry, metadata.name)).map((revision) => ({
        ...revision,
        spec: { ...revision.spec, source: viewSource(revision.spec.source, request.principal, authorizer) },
      }));
      return { kind: "json", status: 200, body: pageOf(shown, request) };
    },

    async listReplicas(request) {
      const { metadata } = await existing(request);
      const items = await registry
        .resources(kinds.Replica)
        .newestFirst({ where: ({ spec }) => spec.server === metadata.name });
      const shown = items.map((replica) => {
        const status = viewFailure(replica.status, request.principal, authorizer);
        return replicaWithLoad({ ...replica, status }, live);
      });
      return { kind: "json", status: 200, body: pageOf(shown, request) };
    },
  };
}
