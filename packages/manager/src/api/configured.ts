/**
 * Servers from the configuration file on their way into the registry. A server is applied when the file's text for it is not the
 * one that was applied last, so that a restart undoes nothing that was changed since by other ways (resources.md, "Desired state").
 */
import type { ServerDraft } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ServerWrites } from "./operations/server-writes.ts";

/** A server as the file has it. */
export interface ConfiguredServer {
  readonly draft: ServerDraft;
  /** Stands for the file's text for this server: equal exactly when that did not change. */
  readonly digest: string;
}

/** What became of one of them. */
export interface Admission {
  readonly name: string;
  /**
   * - `applied`: created, changed or found to be so already
   * - `kept`: the file says what it said the last time; what is registered stays as it is
   * - `deleted`: the same, and it was deleted since: it stays deleted until its text changes
   * - `refused`: it cannot be applied now; `error` says why
   */
  readonly outcome: "applied" | "kept" | "deleted" | "refused";
  readonly error?: ManagerError;
}

/** Servers that are admitted at once: what they write in one turn, the store may keep in one go. */
const atOnceMax = 64;

/** Admits all of them; the admissions are in their order. Rejects only when the store is away. */
export async function admitConfigured(
  registry: Registry,
  writes: ServerWrites,
  configured: readonly ConfiguredServer[],
): Promise<readonly Admission[]> {
  const admissions: Admission[] = [];
  for (const some of inTurns(configured)) {
    admissions.push(...(await Promise.all(some.map((server) => admit(registry, writes, server)))));
  }
  return admissions;
}

/** One that asks for a prefix has a turn for itself: of two the older gets it, and what is admitted at once is of one age. */
function* inTurns(configured: readonly ConfiguredServer[]): Generator<readonly ConfiguredServer[], void, undefined> {
  let turn: ConfiguredServer[] = [];
  for (const server of configured) {
    const isAlone = server.draft.spec.expose.prefix !== undefined;
    if (isAlone || turn.length >= atOnceMax) {
      yield turn;
      turn = [];
    }
    turn.push(server);
    if (!isAlone) continue;
    yield turn;
    turn = [];
  }
  yield turn;
}

async function admit(
  registry: Registry,
  writes: ServerWrites,
  { draft, digest }: ConfiguredServer,
): Promise<Admission> {
  const marks = registry.marks("configured");
  const { name } = draft;
  if ((await marks.get(name)) === digest) {
    const exists = (await registry.resources(kinds.Server).get(name)) !== undefined;
    return { name, outcome: exists ? "kept" : "deleted" };
  }
  try {
    await writes.apply(draft);
    await marks.put(name, digest);
    return { name, outcome: "applied" };
  } catch (error) {
    const failure = ManagerError.from(error);
    if (failure.code === "unavailable" || failure.code === "internal") throw failure;
    return { name, outcome: "refused", error: failure };
  }
}
