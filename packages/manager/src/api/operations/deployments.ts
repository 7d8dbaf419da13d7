/** The operations on deployments: what begins one, what is said about one, and what is shown of them and of revisions. */
import type { Deployment, OperationName, Revision, RevisionDiff, Server } from "@mcp-manager/api";
import {
  check,
  deployRequestSchema,
  derivedNamePattern,
  emptyRequestSchema,
  invalidFields,
  isName,
  promoteRequestSchema,
  rollbackRequestSchema,
} from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Authorizer, CompareCatalogues, Routed } from "../ports.ts";
import type { Implementation, OperationReply, OperationRequest } from "../request.ts";
import { notFound, pathValue, text } from "../request.ts";
import type { Verb } from "./deployment-verbs.ts";
import { DeploymentWrites } from "./deployment-writes.ts";
import { stableOf } from "./next-deployment.ts";
import { pageOf } from "./page.ts";
import { fieldChanges, type Viewed } from "./revision-diff.ts";
import { revisionsOf } from "./revisions-of.ts";
import { viewSource } from "./server-view.ts";
import { demandSource } from "./source-rights.ts";

type DeploymentOperationName =
  | "deployServer"
  | "rollbackServer"
  | "listServerDeployments"
  | "diffRevisions"
  | "listDeployments"
  | "getDeployment"
  | "promoteDeployment"
  | "pauseDeployment"
  | "resumeDeployment"
  | "abortDeployment"
  | "retryDeployment";

export interface DeploymentOperationsOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly compareCatalogues: CompareCatalogues;
  readonly routed: Routed;
}

/** The implementations, by operation. */
export function deploymentOperations(
  options: DeploymentOperationsOptions,
): Readonly<Record<Extract<OperationName, DeploymentOperationName>, Implementation>> {
  const { registry, authorizer, routed } = options;
  const writes = new DeploymentWrites(registry, options.clock);

  const existing = async (request: OperationRequest): Promise<Server> => {
    const name = pathValue(request, "name");
    const server = isName(name) ? await registry.resources(kinds.Server).get(name) : undefined;
    if (server === undefined) throw notFound("server", name);
    return server;
  };

  const say = async (request: OperationRequest, verb: Verb): Promise<OperationReply> =>
    answer(200, await writes.say(deploymentOf(request), verb, request.principal.name));

  const sayOnly = async (request: OperationRequest, kind: "pause" | "resume" | "abort"): Promise<OperationReply> => {
    demandNothing(kind, request);
    return await say(request, { kind });
  };

  return {
    async deployServer(request) {
      const { metadata, spec } = await existing(request);
      const checked = check(deployRequestSchema, request.body ?? {});
      if (checked.kind === "wrong") throw invalidFields("deploy", checked.fields);
      const { source } = checked.value;
      if (source !== undefined)
        demandSource(authorizer, request.principal, { server: metadata.name, source, current: spec.source });
      return answer(202, await writes.deploy(metadata.name, checked.value, request.principal.name));
    },

    async rollbackServer(request) {
      const { metadata } = await existing(request);
      const checked = check(rollbackRequestSchema, request.body ?? {});
      if (checked.kind === "wrong") throw invalidFields("rollback", checked.fields);
      return answer(202, await writes.rollback(metadata.name, checked.value.to, request.principal.name));
    },

    async listServerDeployments(request) {
      const { metadata } = await existing(request);
      const { name } = metadata;
      const items = await registry
        .resources(kinds.Deployment)
        .newestFirst({ startingWith: `${name}-`, where: ({ spec }) => spec.server === name });
      return { kind: "json", status: 200, body: pageOf(items, request) };
    },

    async diffRevisions(request) {
      const body = await diff(options, await existing(request), request);
      return { kind: "json", status: 200, body };
    },

    async listDeployments(request) {
      const items = await registry.resources(kinds.Deployment).newestFirst();
      return { kind: "json", status: 200, body: pageOf(items, request) };
    },

    async getDeployment(request) {
      const name = deploymentOf(request);
      const deployment = await registry.resources(kinds.Deployment).get(name);
      if (deployment === undefined) throw notFound("deployment", name);
      // Who reads that traffic has gone over finds it so.
      await routed(deployment.spec.server);
      return answer(200, deployment);
    },

    async promoteDeployment(request) {
      const checked = check(promoteRequestSchema, request.body ?? {});
      if (checked.kind === "wrong") throw invalidFields("promote", checked.fields);
      return await say(request, { kind: "promote", ...checked.value });
    },

    pauseDeployment: (request) => sayOnly(request, "pause"),
    resumeDeployment: (request) => sayOnly(request, "resume"),
    abortDeployment: (request) => sayOnly(request, "abort"),

    async retryDeployment(request) {
      demandNothing("retry", request);
      return answer(202, await writes.retry(deploymentOf(request)));
    },
  };
}

function answer(status: number, body: Deployment): OperationReply {
  return { kind: "json", status, body };
}

/** The name in the path; `not_found` for one that no deployment can have. */
function deploymentOf(request: OperationRequest): string {
  const name = pathValue(request, "name");
  if (derivedNamePattern.test(name)) return name;
  throw notFound("deployment", name);
}

/** Somebody who says more than the word means something that would not be done. */
function demandNothing(word: string, { body }: OperationRequest): void {
  const checked = check(emptyRequestSchema, body ?? {});
  if (checked.kind === "wrong") throw invalidFields(word, checked.fields);
}

async function diff(
  { registry, authorizer, compareCatalogues }: DeploymentOperationsOptions,
  server: Server,
  request: OperationRequest,
): Promise<RevisionDiff> {
  const revisions = await revisionsOf(registry, server.metadata.name);
  const named = (name: string | undefined): Revision => {
    const found = revisions.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw notFound(`revision of server "${server.metadata.name}"`, name ?? "none");
    return found;
  };
  const newest = revisions[0]?.metadata.name;
  const from = named(text(request, "from") ?? stableOf(server.status) ?? newest);
  const to = named(text(request, "to") ?? newest);
  const catalogues = registry.resources(kinds.Catalogue);
  const [before, after] = [await catalogues.get(from.metadata.name), await catalogues.get(to.metadata.name)];
  const viewed = (real: Revision): Viewed => {
    const source = viewSource(real.spec.source, request.principal, authorizer);
    return { real, shown: { ...real, spec: { ...real.spec, source } } };
  };
  return {
    from: from.metadata.name,
    to: to.metadata.name,
    spec: fieldChanges(viewed(from), viewed(to)),
    ...(before === undefined || after === undefined ? {} : { schema: compareCatalogues(before, after) }),
  };
}
