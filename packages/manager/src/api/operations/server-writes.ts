/**
 * How servers are registered, changed and taken out. One write is one registry transaction: the Server, and when the runnable part
 * changed its next Revision and the Deployment that goes there; so no spec is without the revision that it asks for. Nothing is
 * started here: whoever watches the registry acts on what was written.
 */
import type { Server, ServerDraft } from "@mcp-manager/api";
import { ManagerError, pendingServerStatus, revisionName, runnablePart } from "@mcp-manager/api";
import type { Stored } from "../../registry/codec.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { sameJson, type Transaction } from "../../registry/transaction.ts";
import { notFound } from "../request.ts";
import { addDeployment, addFirstDeployment } from "./next-deployment.ts";
import { revisionsOf, textOf } from "./revisions-of.ts";

export interface ApplyOptions {
  /** What the Server must be at: a revision, or `*` for any. Default: whatever it is. */
  readonly expected?: string;
  /** There must be none of that name. Default: there may. */
  readonly isNew?: boolean;
  /** Check everything and answer as if; write nothing. */
  readonly dryRun?: boolean;
}

/** What an apply came to; with `dryRun`, would have. */
export interface Applied {
  readonly server: Server;
  readonly outcome: "created" | "changed" | "unchanged";
  /** Name of the Deployment that was begun; absent when nothing has to run otherwise. */
  readonly deployment?: string;
}

/** Compares lost in a row before a write without `expected` gives up; each loss means that another writer won. */
const attemptsMax = 16;

export class ServerWrites {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Makes the Server be as drafted. Throws `conflict` (with `details.current`) when it is not as expected, `already_exists` when
   * it was to be new, `failed_precondition` while it is being deleted.
   */
  async apply(draft: ServerDraft, options: ApplyOptions = {}): Promise<Applied> {
    const servers = this.#registry.resources(kinds.Server);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const stored = await servers.read(draft.name);
      const applied = expectedOrThrow(draft, stored?.resource, options);
      if (applied !== undefined) return applied;
      if (options.dryRun === true) return dryRun(draft, stored?.resource);
      const written = await this.#write(draft, stored);
      if (written === undefined) continue;
      const outcome = stored === undefined ? "created" : "changed";
      return { server: await servers.require(draft.name), outcome, ...written };
    }
    throw new ManagerError("conflict", `server "${draft.name}" is being changed by others all the time: try again`, {
      server: draft.name,
    });
  }

  /** Asks for the end of a server: it is marked, and goes when its replicas have. With `force` they are stopped at once. */
  async remove(name: string, options: { readonly expected?: string; readonly force: boolean }): Promise<Server> {
    const servers = this.#registry.resources(kinds.Server);
    const found = await servers.get(name);
    if (found === undefined) throw notFound("server", name);
    const { expected = "*", force } = options;
    if (expected !== "*") demandRevision(found, expected);
    const marked = await servers.markDeleted(name, expected === "*" ? {} : { ifRevision: expected });
    if (marked === undefined) throw notFound("server", name);
    if (force) {
      for (const replica of await this.#replicaNames(name))
        await this.#registry.resources(kinds.Replica).delete(replica);
    }
    return marked;
  }

  /** Asks for a restart of all replicas, or of one; the agents do it one after the other. */
  async restart(name: string, replica: string | undefined): Promise<Server> {
    const server = await this.#registry.resources(kinds.Server).get(name);
    if (server === undefined) throw notFound("server", name);
    const names = await this.#replicaNames(name);
    if (replica !== undefined && !names.includes(replica)) throw notFound(`replica of server "${name}"`, replica);
    if (names.length === 0) {
      throw new ManagerError(
        "failed_precondition",
        `server "${name}" has no replicas to restart: its state is ${server.status.state}`,
        {
          server: name,
        },
      );
    }
    for (const target of replica === undefined ? names : [replica]) {
      await this.#registry
        .resources(kinds.Replica)
        .update(target, ({ spec }) => ({ spec: { ...spec, restartRound: spec.restartRound + 1 } }));
    }
    return server;
  }

  /** One transaction; undefined when somebody else wrote in between. */
  async #write(
    draft: ServerDraft,
    stored: Stored<Server> | undefined,
  ): Promise<Pick<Applied, "deployment"> | undefined> {
    const transaction = this.#registry.transaction();
    const deployment =
      stored === undefined ? await this.#create(transaction, draft) : await this.#change(transaction, draft, stored);
    if ((await transaction.commit()).kind === "conflict") return undefined;
    return deployment === undefined ? {} : { deployment };
  }

  async #create(transaction: Transaction, { name, labels, spec }: ServerDraft): Promise<string> {
    const to = await this.#addRevision(transaction, { name, spec });
    const deployment = await addFirstDeployment(this.#registry, transaction, { name, generation: 1, spec }, to);
    transaction.create(kinds.Server, { name, labels, spec, status: { ...pendingServerStatus, deployment } });
    return deployment;
  }

  async #change(
    transaction: Transaction,
    { name, labels, spec }: ServerDraft,
    stored: Stored<Server>,
  ): Promise<string | undefined> {
    const after = transaction.replace(kinds.Server, stored, { spec, labels });
    if (textOf(stored.resource.spec) === textOf(spec)) return undefined;
    const to = await this.#addRevision(transaction, { name, spec });
    return await addDeployment(this.#registry, transaction, stored, after, { to });
  }

  /** The next Revision of a server; its name. */
  async #addRevision(transaction: Transaction, { name, spec }: Pick<ServerDraft, "name" | "spec">): Promise<string> {
    const [latest] = await revisionsOf(this.#registry, name);
    const number = (latest?.spec.number ?? 0) + 1;
    const to = revisionName(name, number);
    transaction.create(kinds.Revision, { name: to, spec: { ...runnablePart(spec), server: name, number } });
    return to;
  }

  async #replicaNames(server: string): Promise<readonly string[]> {
    const { items } = await this.#registry
      .resources(kinds.Replica)
      .list({ where: ({ spec }) => spec.server === server });
    return items.map(({ metadata }) => metadata.name);
  }
}

/** The answer when nothing needs to be written; undefined when something does. */
function expectedOrThrow(
  draft: ServerDraft,
  current: Server | undefined,
  { expected, isNew }: ApplyOptions,
): Applied | undefined {
  const { name } = draft;
  if (isNew === true && current !== undefined) {
    throw new ManagerError("already_exists", `server "${name}" exists already: change it with PUT`, { server: name });
  }
  if (expected !== undefined) {
    if (current === undefined) throw conflict(name, "does not exist", undefined);
    if (expected !== "*") demandRevision(current, expected);
  }
  if (current === undefined) return undefined;
  if (current.metadata.deletedAt !== undefined) {
    throw new ManagerError("failed_precondition", `server "${name}" is being deleted: apply it again when it is gone`, {
      server: name,
      retryAfterMs: 1_000,
    });
  }
  const isSame = sameJson(current.spec, draft.spec) && sameJson(current.metadata.labels, draft.labels);
  return isSame ? { server: current, outcome: "unchanged" } : undefined;
}

function demandRevision(current: Server, expected: string): void {
  const { name, revision } = current.metadata;
  if (revision !== expected) throw conflict(name, `is at revision ${revision}, not ${expected.slice(0, 24)}`, current);
}

function conflict(name: string, what: string, current: Server | undefined): ManagerError {
  return new ManagerError("conflict", `server "${name}" ${what}: read it again, then apply your change to that`, {
    server: name,
    reason: "REVISION_MISMATCH",
    ...(current === undefined ? {} : { details: { current } }),
  });
}

function dryRun(draft: ServerDraft, current: Server | undefined): Applied {
  const { name, labels, spec } = draft;
  const now = new Date(0).toISOString();
  const metadata = current?.metadata ?? { name, uid: "", generation: 0, revision: "", createdAt: now, labels };
  const server: Server = {
    kind: "Server",
    metadata: { ...metadata, labels, generation: metadata.generation + 1 },
    spec,
    status: current?.status ?? pendingServerStatus,
  };
  return { server, outcome: current === undefined ? "created" : "changed" };
}
