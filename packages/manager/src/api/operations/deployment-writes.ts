/**
 * What begins a deployment without a new spec in full, and what is said about one that is under way: deploy, roll back, retry, and the
 * verbs. `by` is the name of the principal whose word it is. Each is one registry transaction; that of somebody else in between is a conflict, or is looked at again when it changed
 * nothing that matters here. Nothing is moved here: the controller acts on what it then reads.
 */
import type { DeployRequest, Deployment, DeploymentStatus, Revision, Server, ServerSpec } from "@mcp-manager/api";
import { isOver, ManagerError, revisionName, runnablePart } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Stored } from "../../registry/codec.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { conflictError, sameJson, type Transaction } from "../../registry/transaction.ts";
import { notFound } from "../request.ts";
import type { Verb } from "./deployment-verbs.ts";
import { applyVerb } from "./deployment-verbs.ts";
import { addDeployment, stableOf } from "./next-deployment.ts";
import { deploymentsOf, revisionOf, revisionsOf, textOf, withRunnable } from "./revisions-of.ts";
import { rollbackTarget } from "./rollback-target.ts";

/** Compares lost in a row before a write gives up. */
const attemptsMax = 16;

export class DeploymentWrites {
  readonly #registry: Registry;
  readonly #clock: Clock;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Begins the Deployment that the request asks for, or finds that the newest one is just that. Throws `not_found`, and
   * `failed_precondition` for a server that is being deleted.
   */
  async deploy(server: string, request: DeployRequest, by: string): Promise<Deployment> {
    return await this.#attempt(server, async (stored) => {
      const { spec } = stored.resource;
      const wanted: ServerSpec = {
        ...spec,
        ...(request.source === undefined ? {} : { source: request.source }),
        ...(request.strategy === undefined ? {} : { strategy: request.strategy }),
      };
      const newest = await this.#newest(stored.resource);
      const transaction = this.#registry.transaction();
      const after = transaction.replace(kinds.Server, stored, { spec: wanted });
      const revisions = await revisionsOf(this.#registry, server);
      let to = revisionOf(wanted, revisions, newest?.resource.spec.to)?.metadata.name;
      if (textOf(wanted) !== textOf(spec) || to === undefined) {
        const number = (revisions[0]?.spec.number ?? 0) + 1;
        to = revisionName(server, number);
        transaction.create(kinds.Revision, { name: to, spec: { ...runnablePart(wanted), server, number } });
      } else if (newest !== undefined && isAsAsked(newest.resource, to, wanted, request)) {
        return { transaction, name: newest.resource.metadata.name };
      }
      const accept = request.acceptBreaking === true ? { acceptBreaking: true, acceptedBy: by } : {};
      return { transaction, name: await addDeployment(this.#registry, transaction, stored, after, { to, ...accept }) };
    });
  }

  /**
   * Makes the spec say what an earlier revision says, and goes back to it. To the stable one that is no Deployment of its own: the one
   * that leads away from it is aborted (`RolledBack`). Throws `not_found`; `failed_precondition` when there is nothing to go back to.
   */
  async rollback(server: string, to: string | undefined, by: string): Promise<Deployment> {
    return await this.#attempt(server, async (stored) => {
      const revisions = await revisionsOf(this.#registry, server);
      const deployments = await deploymentsOf(this.#registry, server);
      const target = rollbackTarget({ server: stored.resource, revisions, deployments }, to);
      const transaction = this.#registry.transaction();
      const spec = withRunnable(stored.resource.spec, target);
      const after = transaction.replace(kinds.Server, stored, { spec });
      const { name } = target.metadata;
      if (name === stableOf(stored.resource.status)) {
        const newest = await this.#newest(stored.resource);
        if (newest === undefined) throw nothingToDo(server, name);
        const status = this.#rolledBack(newest.resource, by);
        transaction.putStatus(kinds.Deployment, newest, status);
        return { transaction, name: newest.resource.metadata.name };
      }
      const begun = await addDeployment(this.#registry, transaction, stored, after, { to: name, rollback: true });
      return { transaction, name: begun };
    });
  }

  /** The next Deployment to the revision of one that was aborted or failed, the newest of its server. */
  async retry(name: string): Promise<Deployment> {
    const { spec } = await this.#require(name);
    return await this.#attempt(spec.server, async (stored) => {
      const deployment = await this.#require(name);
      demandNewest(deployment, stored.resource);
      const { phase } = deployment.status;
      if (phase !== "Aborted" && phase !== "Failed")
        throw precondition(deployment, `there is nothing to retry in phase ${phase}`);
      const revision = await this.#revision(deployment.spec.to);
      const transaction = this.#registry.transaction();
      const wanted = { spec: withRunnable(stored.resource.spec, revision) };
      const after = transaction.replace(kinds.Server, stored, wanted);
      const { to, acceptBreaking, acceptedBy, rollback } = deployment.spec;
      const more = {
        ...(acceptBreaking === undefined ? {} : { acceptBreaking }),
        ...(acceptedBy === undefined ? {} : { acceptedBy }),
        ...(rollback === undefined ? {} : { rollback }),
      };
      return { transaction, name: await addDeployment(this.#registry, transaction, stored, after, { to, ...more }) };
    });
  }

  /**
   * Notes what was said. Throws `not_found`, `failed_precondition` when it is too late, and `conflict` (with `details.current`) when
   * somebody else came first and it is elsewhere now; what the controller only counted in the meantime is no reason.
   */
  async say(name: string, verb: Verb, by: string): Promise<Deployment> {
    let seen: Deployment | undefined;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const stored = await this.#registry.resources(kinds.Deployment).read(name);
      if (stored === undefined) throw notFound("deployment", name);
      const { resource } = stored;
      if (seen !== undefined && !isSamePlace(seen.status, resource.status)) break;
      seen = resource;
      if (!isOver(resource.status)) demandNewest(resource, await this.#server(resource.spec.server));
      const status = applyVerb(resource, verb, { by, at: this.#now() });
      if (status instanceof ManagerError) throw status;
      if (status === resource.status) return resource;
      const transaction = this.#registry.transaction();
      transaction.putStatus(kinds.Deployment, stored, status);
      if ((await transaction.commit()).kind === "committed") return { ...resource, status };
    }
    throw conflictError("Deployment", name, await this.#registry.resources(kinds.Deployment).get(name));
  }

  /** Reads the server, asks what is to be written, and commits it; again when somebody else wrote in between. */
  async #attempt(
    name: string,
    prepare: (stored: Stored<Server>) => Promise<{ readonly transaction: Transaction; readonly name: string }>,
  ): Promise<Deployment> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const stored = await this.#registry.resources(kinds.Server).read(name);
      if (stored === undefined) throw notFound("server", name);
      demandAlive(stored.resource);
      const { transaction, name: deployment } = await prepare(stored);
      if ((await transaction.commit()).kind === "committed") return await this.#require(deployment);
    }
    throw new ManagerError("conflict", `server "${name}" is being changed by others all the time: try again`, {
      server: name,
    });
  }

  /** The status of the one that leads away from the stable revision, once that is gone back to. */
  #rolledBack(deployment: Deployment, by: string): DeploymentStatus {
    const message = `${by} rolled the server back to its stable revision`;
    if (isOver(deployment.status)) {
      if (deployment.status.phase === "Completed") throw nothingToDo(deployment.spec.server, deployment.spec.to);
      return { ...deployment.status, reason: "RolledBack", message };
    }
    const status = applyVerb(deployment, { kind: "abort" }, { by, at: this.#now() });
    if (status instanceof ManagerError) throw status;
    return { ...status, reason: "RolledBack", message };
  }

  async #newest({ status }: Server): Promise<Stored<Deployment> | undefined> {
    if (status.deployment === undefined) return undefined;
    return await this.#registry.resources(kinds.Deployment).read(status.deployment);
  }

  async #require(name: string): Promise<Deployment> {
    const deployment = await this.#registry.resources(kinds.Deployment).get(name);
    if (deployment === undefined) throw notFound("deployment", name);
    return deployment;
  }

  async #revision(name: string): Promise<Revision> {
    const revision = await this.#registry.resources(kinds.Revision).get(name);
    if (revision === undefined) throw notFound("revision", name);
    return revision;
  }

  async #server(name: string): Promise<Server> {
    const server = await this.#registry.resources(kinds.Server).get(name);
    if (server === undefined) throw notFound("server", name);
    demandAlive(server);
    return server;
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString();
  }
}

/** Whether the newest deployment does what the request asks for, or has done it. */
function isAsAsked({ spec, status }: Deployment, to: string, wanted: ServerSpec, request: DeployRequest): boolean {
  if (spec.to !== to || status.phase === "Aborted" || status.phase === "Failed" || status.phase === "Aborting")
    return false;
  if (isOver(status) || status.phase === "Draining" || status.phase === "Promoting") return true;
  const isAccepted = request.acceptBreaking !== true || spec.acceptBreaking === true;
  return isAccepted && sameJson(spec.strategy, wanted.strategy);
}

/** Whether only what the controller counts is different. */
function isSamePlace(a: DeploymentStatus, b: DeploymentStatus): boolean {
  return sameJson(placeOf(a), placeOf(b));
}

function placeOf({ phase, reason, step, progress }: DeploymentStatus): unknown {
  const { resumeTo, accepted, promoted } = progress ?? {};
  return { phase, reason, step: step?.index, resumeTo, accepted, promoted };
}

function demandAlive({ metadata: { name, deletedAt } }: Server): void {
  if (deletedAt === undefined) return;
  throw new ManagerError("failed_precondition", `server "${name}" is being deleted: its deployments end with it`, {
    server: name,
  });
}

function demandNewest(deployment: Deployment, { status }: Server): void {
  const { deployment: newest } = status;
  if (newest === undefined || newest === deployment.metadata.name) return;
  throw precondition(deployment, `a newer one has taken its place: ${newest}`);
}

function precondition({ metadata, spec, status }: Deployment, why: string): ManagerError {
  return new ManagerError("failed_precondition", `deployment "${metadata.name}": ${why}`, {
    server: spec.server,
    reason: "WRONG_PHASE",
    details: { phase: status.phase },
  });
}

function nothingToDo(server: string, revision: string): ManagerError {
  const message = `server "${server}" runs ${revision} already: there is nothing to roll back`;
  return new ManagerError("failed_precondition", message, { server });
}
