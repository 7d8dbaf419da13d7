/** What a schema says of the members of objects, compared: those it describes, by name and by pattern, those it requires, all others. */
import { type JsonObject, memberOf, objectOf, stringsOf } from "./json.ts";
import type { Narrowing, NarrowingRule } from "./narrowing.ts";

/** Who compares the schemas of members, and hears what is narrower. */
export interface MembersWalk {
  readonly side: "input" | "output";
  walk(from: unknown, to: unknown, at: readonly string[]): void;
  note(at: readonly string[], rule: NarrowingRule, what?: string, bounds?: Pick<Narrowing, "wider" | "narrower">): void;
}

interface Members {
  readonly named: JsonObject;
  readonly patterns: JsonObject;
  /** The schema of all others; undefined where they are neither refused nor described. */
  readonly others: unknown;
  readonly required: readonly string[];
}

interface How {
  readonly walk: MembersWalk;
  /** `to` says all there is to be said; what it does not describe is described by nothing else. */
  readonly isAll: boolean;
  /** Whether something beside `from`'s own keywords may say what a member of it is. */
  readonly isDescribed: (name: string) => boolean;
}

/** Compares what two schemas say of objects. */
export function narrowedMembers(from: JsonObject, to: JsonObject, at: readonly string[], how: How): void {
  const { walk } = how;
  const [mine, its] = [membersOf(from), membersOf(to)];
  named(mine, its, at, how);
  patterns(mine, its, at, walk);
  others(mine, its, at, walk);
  const kept = new Set(mine.required);
  for (const name of its.required) if (!kept.has(name)) walk.note([...at, name], "required");
}

function membersOf(schema: JsonObject): Members {
  const { additionalProperties } = schema;
  const isOpen = additionalProperties === undefined || additionalProperties === true || isEmpty(additionalProperties);
  return {
    named: objectOf(schema["properties"]) ?? {},
    patterns: objectOf(schema["patternProperties"]) ?? {},
    others: isOpen ? undefined : additionalProperties,
    required: stringsOf(schema["required"]),
  };
}

function isEmpty(schema: unknown): boolean {
  return Object.keys(objectOf(schema) ?? { some: true }).length === 0;
}

function named(mine: Members, its: Members, at: readonly string[], { walk, isAll, isDescribed }: How): void {
  // An input that is taken and not looked at is as good as gone.
  const isMissed = walk.side === "input" && (isAll || its.others === false);
  for (const [name, schema] of Object.entries(mine.named)) {
    const other = memberOf(its.named, name);
    if (other !== undefined) walk.walk(schema, other, [...at, name]);
    else if (isMissed && schema !== false) walk.note([...at, name], "gone");
    else if (its.others !== undefined && its.others !== false) walk.walk(schema, its.others, [...at, name]);
  }
  for (const [name, schema] of Object.entries(its.named)) {
    if (memberOf(mine.named, name) !== undefined) continue;
    if (walk.side === "output") walk.note([...at, name], "gone");
    // Whatever described it until now; which patterns fit is not tried.
    else for (const before of describing(mine)) walk.walk(before, schema, [...at, name]);
    if (walk.side === "input" && isDescribed(name)) walk.walk({}, schema, [...at, name]);
  }
}

function describing({ patterns: by, others: rest }: Members): readonly unknown[] {
  return [...Object.values(by), ...(rest === undefined || rest === false ? [] : [rest])];
}

function patterns(mine: Members, its: Members, at: readonly string[], walk: MembersWalk): void {
  for (const [pattern, schema] of Object.entries(its.patterns)) {
    const before = memberOf(mine.patterns, pattern);
    if (before === undefined) walk.note(at, "rule", "patternProperties");
    else walk.walk(before, schema, [...at, "*"]);
  }
  if (its.others === undefined || (walk.side === "output" && its.others === false)) return;
  for (const [pattern, schema] of Object.entries(mine.patterns)) {
    if (memberOf(its.patterns, pattern) !== undefined) continue;
    if (walk.side === "output") walk.walk(schema, its.others, [...at, "*"]);
    else walk.note(at, "rule", "patternProperties");
  }
}

function others(mine: Members, its: Members, at: readonly string[], walk: MembersWalk): void {
  if (its.others === undefined || mine.others === false) return;
  // That a new member is there is what a new output is; its being refused is no promise.
  if (walk.side === "output" && its.others === false) return;
  if (mine.others === undefined || its.others === false) walk.note(at, "closed");
  else walk.walk(mine.others, its.others, [...at, "*"]);
}
