/**
 * Servers from the configuration file on their way into the registry. A server is applied when the file's text for it is not the
 * one that was applied last, so that a restart undoes nothing that was changed since by other ways (resources.md, "Desired state").
 * One that the file made and names no more is taken out; what others made is never touched.
 */
import { ManagerError } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import { type ConfiguredMark, ConfiguredMarks, isMadeBy } from "./configured-marks.ts";
import type { ConfiguredServer } from "./file-reading.ts";
import type { ServerWrites } from "./operations/server-writes.ts";

/** All that a file asks for. */
export interface Configured {
  readonly servers: readonly ConfiguredServer[];
  /** Absolute path; absent when there is no file that could name a server no more. */
  readonly file?: string;
}

/** What became of a server that the file names, or named. */
export interface Admission {
  readonly name: string;
  /**
   * - `applied`: created, changed or found to be so already
   * - `kept`: the file says what it said the last time; what is registered stays as it is
   * - `deleted`: the same, and it was deleted since: it stays deleted until its text changes
   * - `refused`: it cannot be applied now; `error` says why
   * - `removed`: the file made it and names it no more: it gets no new calls, and goes when those in flight have ended
   * - `released`: the file names it no more, and did not make it: it stays
   */
  readonly outcome: "applied" | "kept" | "deleted" | "refused" | "removed" | "released";
  readonly error?: ManagerError;
}

/** Servers that are admitted at once: what they write in one turn, the store may keep in one go. */
const atOnceMax = 64;

/**
 * Admits all of them, then takes out what is named no more; the admissions are in their order, those taken out last. Rejects only
 * when the store is away; what was done by then is kept when it is called again.
 */
export async function admitConfigured(
  registry: Registry,
  writes: ServerWrites,
  { servers, file }: Configured,
): Promise<readonly Admission[]> {
  const marks = new ConfiguredMarks(registry);
  const known = await marks.all();
  const place = file === undefined ? {} : { file };
  const admissions: Admission[] = [];
  for (const some of inTurns(servers)) {
    const admitOne = (server: ConfiguredServer): Promise<Admission> =>
      admit({ registry, writes, marks }, server, known.get(server.draft.name), place);
    admissions.push(...(await Promise.all(some.map(admitOne))));
  }
  const named = new Set(servers.map(({ draft }) => draft.name));
  for (const [name, mark] of known) {
    if (file === undefined || mark.file !== file || named.has(name)) continue;
    const admission = await release({ registry, writes, marks }, name, mark);
    if (admission !== undefined) admissions.push(admission);
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

/** What all of them are done with. */
interface Ground {
  readonly registry: Registry;
  readonly writes: ServerWrites;
  readonly marks: ConfiguredMarks;
}

async function admit(
  { registry, writes, marks }: Ground,
  { draft, digest }: ConfiguredServer,
  mark: ConfiguredMark | undefined,
  place: Pick<ConfiguredMark, "file">,
): Promise<Admission> {
  const { name } = draft;
  if (mark?.digest === digest) {
    if (place.file !== mark.file) await marks.put(name, { ...mark, ...place });
    const exists = (await registry.resources(kinds.Server).get(name)) !== undefined;
    return { name, outcome: exists ? "kept" : "deleted" };
  }
  try {
    const { server, outcome } = await writes.apply(draft);
    const { uid } = server.metadata;
    await marks.put(name, { digest, ...place, ...(outcome === "created" || isMadeBy(mark, server) ? { uid } : {}) });
    return { name, outcome: "applied" };
  } catch (error) {
    const failure = ManagerError.from(error);
    if (failure.code === "unavailable" || failure.code === "internal") throw failure;
    return { name, outcome: "refused", error: failure };
  }
}

/** Undefined when there is nothing left to be done. */
async function release(
  { registry, writes, marks }: Ground,
  name: string,
  mark: ConfiguredMark,
): Promise<Admission | undefined> {
  const server = await registry.resources(kinds.Server).get(name);
  const isThere = server !== undefined && server.metadata.deletedAt === undefined;
  const isOurs = isThere && isMadeBy(mark, server);
  // Whoever deletes it in this moment does what is wanted.
  if (isOurs) await writes.remove(name, { force: false }).catch(unlessGone);
  // Last: cut short before it, all of this is done once more.
  await marks.delete(name);
  return isThere ? { name, outcome: isOurs ? "removed" : "released" } : undefined;
}

function unlessGone(error: unknown): void {
  if (ManagerError.from(error).code !== "not_found") throw error;
}
