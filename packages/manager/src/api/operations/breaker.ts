/**
 * The operation on a server's breaker: a person's decision, kept as an Override of the server's name, so that every instance and
 * every later start acts on it. Answers once it is in force on this one. It holds no breaker itself.
 */
import type { BreakerRequest, Override, OverrideSpec, Principal, Server } from "@mcp-manager/api";
import { breakerRequestSchema, check, invalidFields, ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { Informer } from "../../registry/informer.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { notFound } from "../request.ts";

export interface BreakerDecisionsOptions {
  readonly registry: Registry;
  /** The cache through which this instance hears of decisions. */
  readonly overrides: Informer<Override>;
  readonly clock: Clock;
}

/** Whoever hears of a decision later than this has a store in trouble, and is told by other means. */
const seenWithinMs = 1_000;
/** Compares lost in a row before it gives up. */
const attemptsMax = 16;

export class BreakerDecisions {
  readonly #options: BreakerDecisionsOptions;

  constructor(options: BreakerDecisionsOptions) {
    this.#options = options;
  }

  /**
   * Does what the body of a request asks. Throws `invalid_argument`, `not_found`, and `failed_precondition` for a server that is
   * being deleted.
   */
  async decide(server: string, body: unknown, principal: Principal): Promise<void> {
    const checked = check(breakerRequestSchema, body);
    if (checked.kind === "wrong") throw invalidFields("breaker", checked.fields);
    const wanted = this.#specOf(server, checked.value, principal);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      if (await this.#write(server, wanted)) return await this.#seen(server, wanted);
    }
    throw new ManagerError("conflict", `server "${server}" is being changed by others all the time: try again`, {
      server,
    });
  }

  #specOf(server: string, request: BreakerRequest, { name }: Principal): OverrideSpec | undefined {
    if (request.state === "auto") return undefined;
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    return { server, breaker: request.state, reason: request.reason.trim(), by: name, at };
  }

  /** One transaction, which holds only while the server is there; false when somebody else wrote in between. */
  async #write(name: string, spec: OverrideSpec | undefined): Promise<boolean> {
    const { registry } = this.#options;
    const server = await registry.resources(kinds.Server).read(name);
    if (server === undefined) throw notFound("server", name);
    demandAlive(server.resource);
    const current = await registry.resources(kinds.Override).read(name);
    const transaction = registry.transaction();
    transaction.requireUnchanged(kinds.Server, server);
    if (spec === undefined && current === undefined) return true;
    if (spec === undefined) {
      if (current !== undefined) transaction.delete(kinds.Override, current);
    } else if (current === undefined) transaction.create(kinds.Override, { name, spec });
    else transaction.replace(kinds.Override, current, { spec });
    return (await transaction.commit()).kind === "committed";
  }

  /** Until this instance's cache, and who listens to it, has heard of it. */
  async #seen(server: string, wanted: OverrideSpec | undefined): Promise<void> {
    const { overrides, clock } = this.#options;
    const isSeen = (): boolean => overrides.get(server)?.spec.at === wanted?.at;
    if (isSeen()) return;
    const done = Promise.withResolvers<void>();
    const timer = clock.after(seenWithinMs, done.resolve);
    const unsubscribe = overrides.onChange(() => {
      if (isSeen()) done.resolve();
    });
    await done.promise;
    timer.cancel();
    unsubscribe();
  }
}

function demandAlive({ metadata: { name, deletedAt } }: Server): void {
  if (deletedAt === undefined) return;
  throw new ManagerError("failed_precondition", `server "${name}" is being deleted: its breaker goes with it`, {
    server: name,
  });
}
