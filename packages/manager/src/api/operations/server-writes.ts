/**
 * How servers are registered, changed and taken out. One write is one registry transaction: the Server, and its next Revision
 * when the runnable part changed; so the revision with the highest number always is what the spec asks for. Nothing is started
 * here: whoever watches the registry acts on what was written.
 */
import type { Server, ServerDraft, ServerSpec } from "@mcp-manager/api";
import { ManagerError, pendingServerStatus, revisionName, runnablePart, runnableText } from "@mcp-manager/api";
import type { Stored } from "../../registry/codec.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { sameJson } from "../../registry/transaction.ts";
import { notFound } from "../request.ts";

export interface ApplyOptions {
  /** What the Server must be at: a revision, `*` for any, `absent` for none. Default: whatever it is. */
  readonly expected?: string;
  /** Check everything and answer as if; write nothing. */
  readonly dryRun?: boolean;
}

/** What an apply came to; with `dryRun`, would have. */
export interface Applied {
  readonly server: Server;
  readonly outcome: "created" | "changed" | "unchanged";
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
   * it was expected to be absent, `failed_precondition` while it is being deleted.
   */
  async apply(draft: ServerDraft, options: ApplyOptions = {}): Promise<Applied> {
    const servers = this.#registry.resources(kinds.Server);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const stored = await servers.read(draft.name);
      const applied = expectedOrThrow(draft, stored?.resource, options.expected);
      if (applied !== undefined) return applied;
      if (options.dryRun === true) return dryRun(draft, stored?.resource);
      if (!(await this.#write(draft, stored))) continue;
      const outcome = stored === undefined ? "created" : "changed";
      return { server: await servers.require(draft.name), outcome };
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
    if (options.expected !== undefined && options.expected !== "*") demandRevision(found, options.expected);
    const marked = await servers.markDeleted(name);
    if (marked === undefined) throw notFound("server", name);
    if (options.force) {
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

  /** One transaction; false when somebody else wrote in between. */
  async #write(draft: ServerDraft, stored: Stored<Server> | undefined): Promise<boolean> {
    const transaction = this.#registry.transaction();
    const { name, labels, spec } = draft;
    if (stored === undefined) transaction.create(kinds.Server, { name, labels, spec });
    else transaction.replace(kinds.Server, stored, { spec, labels });
    if (stored === undefined || textOf(stored.resource.spec) !== textOf(spec)) {
      const number = (await this.#latestRevision(name, stored?.resource.status.revision)) + 1;
      transaction.create(kinds.Revision, {
        name: revisionName(name, number),
        spec: { ...runnablePart(spec), server: name, number },
      });
    }
    return (await transaction.commit()).kind === "committed";
  }

  /** The highest revision number of a server, 0 when there is none. Numbers have no gaps above the stable one. */
  async #latestRevision(server: string, stable: string | undefined): Promise<number> {
    const revisions = this.#registry.resources(kinds.Revision);
    let number = stable === undefined ? 0 : ((await revisions.get(stable))?.spec.number ?? 0);
    while ((await revisions.get(revisionName(server, number + 1))) !== undefined) number += 1;
    return number;
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
  expected: string | undefined,
): Applied | undefined {
  const { name } = draft;
  if (expected === "absent" && current !== undefined) {
    throw new ManagerError("already_exists", `server "${name}" exists already: change it with PUT`, { server: name });
  }
  if (expected !== undefined && expected !== "absent") {
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

function textOf(spec: ServerSpec): string {
  return runnableText(runnablePart(spec));
}
