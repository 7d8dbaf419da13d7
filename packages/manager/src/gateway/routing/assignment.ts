/**
 * Which revision of a server a caller's new work goes to while two of them serve: by what it matches, else by the bucket that its
 * principal falls into. Pure, and the same on every instance and after every restart, so that nothing is remembered of it. What
 * belongs to a revision already (a session, a retry, a task) is not asked for here; see `revision-of.ts`.
 * Source: reliability.md §1.2, "Assignment rules".
 */
import type { Match, NextRoute } from "@mcp-manager/api";
import { globMatcher, type NameMatcher } from "../../base/glob.ts";
import type { Principal } from "../../security/principal.ts";
import type { ServerRoute } from "./routing-table.ts";

/** Who calls, as far as it can be matched. */
export interface Caller {
  readonly principal: Principal;
  /** What its client calls itself; undefined when it did not say. */
  readonly clientName: string | undefined;
  /** A header of the request; `name` in lower case. */
  header(name: string): string | undefined;
}

/** Buckets that principals are sorted into: a hundred for each percent. */
const buckets = 10_000;
const bucketsPerPercent = buckets / 100;

/** The revision a caller's new work goes to; undefined when there is no route (any replica). */
export function revisionFor({ name, revisions }: ServerRoute, who: Caller): string | undefined {
  const next = revisions?.next;
  if (revisions === undefined || next === undefined) return revisions?.stable;
  if (next.match.length > 0 && matchersOf(next).some((isMatch) => isMatch(who))) return next.revision;
  return isNext(name, next, who.principal.hash) ? next.revision : revisions.stable;
}

function isNext(server: string, { weight, salt }: NextRoute, principalHash: string): boolean {
  return bucketOf(server, salt, principalHash) < weight * bucketsPerPercent;
}

/**
 * The bucket of a principal, 0 to 9,999: of a weight of so many percent, those below a hundred times as many are sent to the next
 * revision. A growing weight only adds principals. FNV-1a over the three texts, its bits mixed once more: a few letters that differ at
 * the end would else end up near each other.
 */
export function bucketOf(server: string, salt: string, principalHash: string): number {
  const hash = hashed(principalHash, hashed(salt, hashed(server, fnvBasis)));
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) % buckets;
}

const fnvBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** The texts are kept apart by a character that none of them has. */
function hashed(text: string, from: number): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime);
  return Math.imul(hash ^ 0xffff, fnvPrime);
}

type CallerMatcher = (who: Caller) => boolean;

/** Compiled once for each route that has any. */
const compiled = new WeakMap<NextRoute, readonly CallerMatcher[]>();

function matchersOf(next: NextRoute): readonly CallerMatcher[] {
  let matchers = compiled.get(next);
  if (matchers === undefined) compiled.set(next, (matchers = next.match.map(matcherOf)));
  return matchers;
}

/** Of several attributes or headers in one rule, all have to fit. */
function matcherOf(match: Match): CallerMatcher {
  if ("client" in match) {
    const isName = globMatcher([match.client]);
    return ({ clientName }) => clientName !== undefined && isName(clientName);
  }
  if ("header" in match) {
    const wanted = patternsOf(match.header).map(([name, isValue]) => [name.toLowerCase(), isValue] as const);
    return (who) => wanted.every(([name, isValue]) => fits(who.header(name), isValue));
  }
  const wanted = patternsOf(match.principal);
  return ({ principal }) =>
    wanted.every(([name, isValue]) => attributesOf(principal, name).some((value) => isValue(value)));
}

function patternsOf(patterns: Readonly<Record<string, string>>): readonly (readonly [string, NameMatcher])[] {
  return Object.entries(patterns).map(([name, pattern]) => [name, globMatcher([pattern])]);
}

function fits(value: string | undefined, isValue: NameMatcher): boolean {
  return value !== undefined && isValue(value);
}

/** What is known of a principal under this name; one that has several roles has each of them. */
function attributesOf({ name, roles, authMethod }: Principal, attribute: string): readonly string[] {
  if (attribute === "name") return [name];
  if (attribute === "role") return roles;
  return attribute === "authMethod" ? [authMethod] : [];
}
