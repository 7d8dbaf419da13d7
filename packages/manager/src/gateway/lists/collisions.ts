/**
 * Names that two things ask for, where only one of them can have it: a prefix that two servers want, a name that an override gave
 * to another tool, two long names that are one when they are cut. Who gets the name is decided in `routing-table.ts`, `exposure.ts`
 * and `merged-list.ts`; here it is said, so that nobody loses a name in silence. Pure.
 */
import type { ListMember } from "../../protocol/methods.ts";
import { isCut, prefixedName } from "../routing/exposure.ts";
import type { ServerRoute } from "../routing/routing-table.ts";

/** One loser of a name. */
export interface Collision {
  /** The server whose name, or whose tool's or prompt's name, was taken. */
  readonly server: string;
  /** The name that two ask for. */
  readonly name: string;
  /** What was done about it, and what can be. Names nothing but what the routes and keys given hold. */
  readonly message: string;
}

/** Most collisions told in one list. */
const collisionsMax = 100;

/** A server and the server's own names of what it lists. */
export interface NamedList {
  readonly route: ServerRoute;
  readonly keys: readonly string[];
}

/** What to say in the aggregate's list of `member`, of servers and names that its reader may see. */
export function collisionsOf(member: ListMember, lists: readonly NamedList[]): readonly Collision[] {
  const routes = lists.map(({ route }) => route);
  const names = lists.flatMap((list) => nameCollisions(member, list));
  return [...prefixCollisions(routes), ...names].slice(0, collisionsMax);
}

/** What one server's names on the aggregate lost. */
export function nameCollisions(member: ListMember, list: NamedList): readonly Collision[] {
  return [...overridden(member, list), ...cut(member, list)].slice(0, collisionsMax);
}

/** What to say in a server's own list of `member`. */
export function ownCollisions(member: ListMember, list: NamedList): readonly Collision[] {
  return overridden(member, list).slice(0, collisionsMax);
}

/** Servers that could not have the prefix that they ask for because another of `routes` has it. */
export function prefixCollisions(routes: readonly ServerRoute[]): readonly Collision[] {
  return routes.flatMap(({ name: server, exposure: { prefix, prefixWanted } }) => {
    const name = prefixWanted ?? server;
    if (name === prefix) return [];
    const holder = routes.find((route) => route.exposure.prefix.toLowerCase() === name.toLowerCase());
    if (holder === undefined) return [];
    const advice = "give one of them another expose.prefix";
    return [
      {
        server,
        name,
        message: `server "${server}" is shown under "${prefix}", because server "${holder.name}" has the prefix "${name}": ${advice}`,
      },
    ];
  });
}

function overridden(member: ListMember, { route, keys }: NamedList): readonly Collision[] {
  if (member !== "tools") return [];
  const { name: server, exposure } = route;
  return keys.flatMap((key) => {
    const name = exposure.nameTakenFrom(key);
    if (name === undefined) return [];
    const why = `another tool was given its name "${name}"`;
    const message = `tool "${key}" of server "${server}" is hidden, because ${why}: give one of them another in expose.tools.override`;
    return [{ server, name, message }];
  });
}

/** Of names that are one when cut, the first in the list is shown. */
function cut(member: ListMember, { route, keys }: NamedList): readonly Collision[] {
  if (member !== "tools" && member !== "prompts") return [];
  const { name: server, exposure } = route;
  const first = new Map<string, string>();
  return keys.flatMap((key) => {
    const own = member === "tools" ? exposure.shownTool(key) : key;
    if (own === undefined || !isCut(exposure.prefix, own)) return [];
    const name = prefixedName(exposure.prefix, own);
    if ((first.get(name) ?? key) === key) {
      first.set(name, key);
      return [];
    }
    const what = member === "tools" ? "tool" : "prompt";
    const message = `${what} "${key}" of server "${server}" is hidden, because another's name is the same when it is cut to 64 characters: give the server a shorter expose.prefix`;
    return [{ server, name, message }];
  });
}
