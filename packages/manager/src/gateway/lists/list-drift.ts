/**
 * Notices when what a server lists is not what the same revision listed before: a tool or prompt that is described otherwise than it
 * was (what people have read and trusted is not what models are told now), replicas that list different things, and a list that does
 * not come to rest. Each is told in one event; nothing is kept from clients, and nothing is remembered beyond the process.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { EventSink } from "../../events/event.ts";
import type { ListItem } from "../../protocol/list.ts";
import type { ListMember } from "../../protocol/methods.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";

export interface ListDriftOptions {
  readonly clock: Pick<Clock, "nowMs">;
  readonly events: EventSink;
}

/** A list that came, and is not the one that came before, or is of another revision. */
export interface Listed {
  readonly replica: Pick<ReadyReplica, "name" | "server" | "revision">;
  readonly member: ListMember;
  readonly items: readonly ListItem[];
  /** The replica was asked for the first time, and others of its revision are there. */
  readonly isNewcomer: boolean;
}

/** So many changes within this time are a list that does not come to rest. */
const changesMax = 5;
const restMs = 30_000;
/** Revisions of a server that are remembered: the two that a deployment goes between, and one that drains or is looked at. */
const revisionsMax = 3;
/** Items remembered of one revision's list: as many as a list may have. */
const pinsMax = 20_000;
const namesMax = 10;
const nameLengthMax = 200;

/** What one revision of a server listed. */
interface Pins {
  /** What each item was when it was seen last, present ones and others. */
  readonly digests: Map<string, string>;
  present: ReadonlySet<string>;
  /** When it changed, the last times. */
  readonly changedAtMs: number[];
  isRestless: boolean;
}

export class ListDrift {
  readonly #options: ListDriftOptions;
  /** By server and revision; of each server the revision that listed last is last. */
  readonly #pins = new Map<string, Map<string, Map<ListMember, Pins>>>();

  constructor(options: ListDriftOptions) {
    this.#options = options;
  }

  /** Compares a list with what its revision listed before, and tells what is different. Resources come and go: those are no news. */
  listed({ replica, member, items, isNewcomer }: Listed): void {
    if (member !== "tools" && member !== "prompts") return;
    const { revision } = replica;
    const lists = this.#listsOf(replica);
    const known = lists.get(member);
    const pins = known ?? newPins();
    lists.set(member, pins);
    const otherwise = repin(pins, items);
    const present = new Set(items.map(({ key }) => key));
    const moved = [...present].filter((key) => !pins.present.has(key));
    for (const key of pins.present) if (!present.has(key)) moved.push(key);
    pins.present = present;
    if (pins !== known) return;
    if (otherwise.length > 0) {
      this.#tell(replica, `${member} of revision ${revision} are described otherwise than before`, otherwise);
    }
    if (isNewcomer && moved.length > 0) {
      this.#tell(replica, `replicas of revision ${revision} list different ${member}`, moved);
    }
    this.#count(replica, member, pins);
  }

  #listsOf({ server, revision }: Listed["replica"]): Map<ListMember, Pins> {
    const revisions = this.#pins.get(server) ?? new Map<string, Map<ListMember, Pins>>();
    const lists = revisions.get(revision) ?? new Map<ListMember, Pins>();
    revisions.delete(revision);
    this.#pins.set(server, revisions.set(revision, lists));
    const [oldest] = revisions.keys();
    if (revisions.size > revisionsMax && oldest !== undefined) revisions.delete(oldest);
    return lists;
  }

  /** Forgets servers that are no longer registered. */
  retain(servers: ReadonlyMap<string, unknown>): void {
    for (const server of this.#pins.keys()) if (!servers.has(server)) this.#pins.delete(server);
  }

  #tell({ server, name }: Listed["replica"], what: string, items: readonly string[]): void {
    const more = items.length > namesMax ? ` and ${items.length - namesMax} more` : "";
    const message = `${what}: ${items
      .slice(0, namesMax)
      .map((item) => item.slice(0, nameLengthMax))
      .join(", ")}${more}`;
    this.#options.events.publish({ topic: "server.drift", server, replica: name, message, severity: "warning" });
  }

  /** Tells once of a list that changes again and again, until it has been quiet for a while. */
  #count({ server, name, revision }: Listed["replica"], member: ListMember, pins: Pins): void {
    const nowMs = this.#options.clock.nowMs();
    const { changedAtMs } = pins;
    if (nowMs - (changedAtMs.at(-1) ?? nowMs) > restMs) pins.isRestless = false;
    changedAtMs.push(nowMs);
    if (changedAtMs.length > changesMax) changedAtMs.shift();
    const [first = nowMs] = changedAtMs;
    if (pins.isRestless || changedAtMs.length < changesMax || nowMs - first > restMs) return;
    pins.isRestless = true;
    const message = `its ${member} changed ${changesMax} times within ${restMs / 1_000} s in revision ${revision}`;
    this.#options.events.publish({ topic: "server.drift", server, replica: name, message, severity: "warning" });
  }
}

function newPins(): Pins {
  return { digests: new Map(), present: new Set(), changedAtMs: [], isRestless: false };
}

/** The names of those that were there before and are something else now. */
function repin({ digests }: Pins, items: readonly ListItem[]): readonly string[] {
  const otherwise: string[] = [];
  for (const { key, bytes } of items) {
    const digest = digestOf(bytes);
    const before = digests.get(key);
    if (before === digest || (before === undefined && digests.size >= pinsMax)) continue;
    digests.set(key, digest);
    if (before !== undefined) otherwise.push(key);
  }
  return otherwise;
}

/** Equal for the same JSON, in whatever order its members stand. */
function digestOf(bytes: Buffer): string {
  return createHash("sha256")
    .update(canonicalJson(JSON.parse(bytes.toString())))
    .digest("base64");
}
