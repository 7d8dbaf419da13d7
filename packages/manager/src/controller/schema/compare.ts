/**
 * How what one revision offers differs from what another does, and how far each difference goes (reliability.md §1.2, "Schema-diff
 * gate"): `breaking` where a client that goes by the old lists may fail, `semantic` where models are told something else, `additive`
 * where there is more. What cannot be told is taken for the worse. Pure, and bounded in time whatever the texts hold.
 */
import type { SchemaDiff } from "@mcp-manager/api";
import { comparePrompt, compareResource, compareTexts, compareTool, type CompareItemOptions } from "./compare-items.ts";
import { FoundChanges } from "./found-changes.ts";
import { byKey, depthOf, type JsonObject, listOf, memberOf, objectOf, StructuralIds, textOf } from "./json.ts";

interface List {
  readonly member: string;
  readonly noun: string;
  readonly key: string;
  readonly compare: (from: JsonObject, to: JsonObject, options: CompareItemOptions) => void;
}

const lists: readonly List[] = [
  { member: "tools", noun: "tool", key: "name", compare: compareTool },
  { member: "prompts", noun: "prompt", key: "name", compare: comparePrompt },
  { member: "resources", noun: "resource", key: "uri", compare: compareResource },
  { member: "resourceTemplates", noun: "resource template", key: "uriTemplate", compare: compareResource },
];

/** No server's message is as deep. */
const depthMax = 256;
/** Subschemas that are compared in all. */
const effortMax = 200_000;
/** What models read is to be looked at again when there is so much more of it: a fifth, and no less than a few tools. */
const tokensGrowth = 1.2;
const tokensGrownMin = 500;
const bytesPerToken = 4;

type Common = Omit<CompareItemOptions, "subject">;

/** `from` and `to` are texts of Catalogue records: what was offered, and what is. */
export function compareCatalogues(from: string, to: string): SchemaDiff {
  const changes = new FoundChanges();
  if (from === to) return changes.diff();
  if (Math.max(depthOf(from), depthOf(to)) > depthMax) {
    changes.add("breaking", "catalogue", "it is nested too deeply to be compared");
    return changes.diff();
  }
  const [before, after] = [objectOf(JSON.parse(from)) ?? {}, objectOf(JSON.parse(to)) ?? {}];
  const ids = new StructuralIds();
  if (ids.of(inOrder(before)) === ids.of(inOrder(after))) return changes.diff();
  const common: Common = { changes, ids, effort: { left: effortMax } };
  for (const list of lists) compareLists(before[list.member], after[list.member], list, common);
  compareServer(before, after, common);
  compareTokens(Buffer.byteLength(from), Buffer.byteLength(to), changes);
  if (changes.count === 0) changes.add("semantic", "catalogue", "it is written otherwise");
  return changes.diff();
}

/** The order of lists says nothing. */
function inOrder(catalogue: JsonObject): JsonObject {
  const keyOf = (item: unknown, key: string): string => textOf(memberOf(objectOf(item) ?? {}, key));
  const ordered = lists.map(({ member, key }) => {
    const items = listOf(catalogue[member]).toSorted((a, b) => (keyOf(a, key) < keyOf(b, key) ? -1 : 1));
    return [member, items] as const;
  });
  return { ...catalogue, ...Object.fromEntries(ordered) };
}

function compareLists(from: unknown, to: unknown, { noun, key, compare }: List, common: Common): void {
  const { changes, ids } = common;
  const [before, after] = [byKey(from, key), byKey(to, key)];
  for (const name of before.keys()) if (!after.has(name)) changes.add("breaking", `${noun} ${name}`, "it is gone");
  for (const [name, item] of after) {
    const known = before.get(name);
    const subject = `${noun} ${name}`;
    if (known === undefined) changes.add("additive", subject, "it is new");
    else if (ids.of(known) !== ids.of(item)) {
      const { count } = changes;
      compare(known, item, { ...common, subject });
      if (changes.count === count) changes.add("semantic", subject, "it is written otherwise");
    }
  }
}

function compareServer(from: JsonObject, to: JsonObject, common: Common): void {
  const { changes } = common;
  const [was, is] = [from["protocolVersion"], to["protocolVersion"]];
  if (typeof was === "string" && typeof is === "string" && was !== is) {
    // Versions are dates. The newest that both know is the one in force, so an older one means that the newer is no longer known.
    changes.add(is < was ? "breaking" : "additive", "protocol", `it speaks ${is}, which was ${was}`);
  }
  compareCapabilities(objectOf(from["capabilities"]) ?? {}, objectOf(to["capabilities"]) ?? {}, "", common);
  compareTexts(objectOf(from["serverInfo"]) ?? {}, objectOf(to["serverInfo"]) ?? {}, { ...common, subject: "server" });
  const [before, after] = [textOf(from["instructions"]), textOf(to["instructions"])];
  if (before !== after) changes.text("instructions", "they read otherwise", before, after);
}

function compareCapabilities(from: JsonObject, to: JsonObject, path: string, common: Common): void {
  const { changes, ids } = common;
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [memberOf(from, name), memberOf(to, name)];
    const subject = `capability ${path}${name}`;
    const [had, has] = [before !== undefined && before !== false, after !== undefined && after !== false];
    if (had && !has) changes.add("breaking", subject, "it is no longer declared");
    else if (!had && has) changes.add("additive", subject, "it is declared now");
    else if (objectOf(before) !== undefined && objectOf(after) !== undefined)
      compareCapabilities(objectOf(before) ?? {}, objectOf(after) ?? {}, `${path}${name}.`, common);
    else if (had && ids.of(before) !== ids.of(after)) changes.add("semantic", subject, "it is declared otherwise");
  }
}

function compareTokens(from: number, to: number, changes: FoundChanges): void {
  const [before, after] = [Math.ceil(from / bytesPerToken), Math.ceil(to / bytesPerToken)];
  if (after < before * tokensGrowth || after - before < tokensGrownMin) return;
  const message = `it takes about ${after} tokens, which was ${before}: ${Math.round((after / before - 1) * 100)} % more`;
  changes.add("semantic", "catalogue", message);
}
