/**
 * Two revisions of a tool's input or output schema, as changes: what is refused or promised otherwise, what is possible now, and what is
 * said otherwise. Pure.
 */
import type { FoundChanges } from "./found-changes.ts";
import { memberOf, objectOf, type StructuralIds, textOf } from "./json.ts";
import { inWords, type Narrowing, type Reading } from "./narrowing.ts";
import { type Effort, narrowings } from "./narrowings.ts";
import { SchemaRoot } from "./schema-root.ts";
import { newWordBudget, type WordBudget, wordsOf } from "./schema-words.ts";

export interface CompareSchemasOptions {
  readonly side: "input" | "output";
  readonly subject: string;
  readonly changes: FoundChanges;
  readonly ids: StructuralIds;
  readonly effort: Effort;
}

/** Tells of every change; of two schemas that are not the same it tells of one at least. */
export function compareSchemas(from: unknown, to: unknown, options: CompareSchemasOptions): void {
  const { ids, changes, subject, side } = options;
  // References within them mean the same: these are the whole documents.
  if (ids.of(from) === ids.of(to)) return;
  const before = changes.count;
  const [was, is] = [new SchemaRoot(from, ids), new SchemaRoot(to, ids)];
  const common = { side, ids, effort: options.effort };
  const forward = narrowings(from, to, { ...common, from: was, to: is });
  const back = narrowings(to, from, { ...common, from: is, to: was });
  const [breaking, additive] = side === "input" ? [forward, back] : [back, forward];
  tell(breaking, "breaking", side === "input" ? "input narrowed" : "output widened", options);
  const told = new Set(breaking.map(placeOf));
  const news = additive.filter((each) => each.rule !== "unclear" && !told.has(placeOf(each)));
  tell(news, "additive", side === "input" ? "input widened" : "output narrowed", options);
  const budgets = [newWordBudget(options.effort), newWordBudget(options.effort)] as const;
  compareWords(from, to, { ...options, was, is, budgets });
  if (budgets.some(({ isCut }) => isCut))
    changes.add("semantic", subject, `its ${side} schema changed, and says more than is compared`);
  if (changes.count === before) changes.add("semantic", subject, `its ${side} schema is written otherwise`);
}

function placeOf({ at, rule, what }: Narrowing): string {
  return JSON.stringify([at, rule, rule === "bound" || rule === "rule" ? what : ""]);
}

function tell(
  found: readonly Narrowing[],
  of: "breaking" | "additive",
  reading: Reading,
  { changes, subject }: CompareSchemasOptions,
): void {
  for (const message of new Set(found.map((each) => inWords(each, reading)))) changes.add(of, subject, message);
}

interface Compared extends CompareSchemasOptions {
  readonly was: SchemaRoot;
  readonly is: SchemaRoot;
  readonly budgets: readonly [WordBudget, WordBudget];
}

function compareWords(from: unknown, to: unknown, options: Compared): void {
  const told = new Set<string>();
  const note = (whose: string, { keyword, before, after, pair }: OtherWord): void => {
    told.add(pair);
    options.changes.text(options.subject, `the ${keyword} of ${whose} reads otherwise`, textOf(before), textOf(after));
  };
  const { side } = options;
  for (const word of otherWords(from, to, options))
    note(word.place === "" ? `its ${side} schema` : `the ${side} "${word.place}"`, word);
  for (const [name, before, after] of definitions(from, to)) {
    const whose = `the definition "${name}" of its ${side} schema`;
    // What a reference says beside itself hides what its definition says; it is read all the same, and so is what nothing refers to.
    if (before === undefined && !options.is.reached.has(after))
      options.changes.text(options.subject, `${whose}, which nothing uses, is new`, "", textOf(after));
    if (before === undefined || options.ids.of(before) === options.ids.of(after)) continue;
    for (const word of otherWords(before, after, options)) if (!told.has(word.pair)) note(whose, word);
  }
}

interface OtherWord {
  readonly place: string;
  readonly keyword: string;
  readonly before: unknown;
  readonly after: unknown;
  /** The same for the same words, wherever they are said. */
  readonly pair: string;
}

/** What is said otherwise of what was there before; what is said of something new is new with it. */
function* otherWords(from: unknown, to: unknown, { was, is, ids, budgets }: Compared): Iterable<OtherWord> {
  const known = wordsOf(from, was, budgets[0]);
  for (const [place, said] of wordsOf(to, is, budgets[1])) {
    const words = known.get(place);
    if (words === undefined) continue;
    for (const keyword of new Set([...Object.keys(words), ...Object.keys(said)])) {
      const [before, after] = [memberOf(words, keyword), memberOf(said, keyword)];
      const pair = `${keyword}/${ids.of(before)}/${ids.of(after)}`;
      if (ids.of(before) !== ids.of(after)) yield { place, keyword, before, after, pair };
    }
  }
}

function* definitions(from: unknown, to: unknown): Iterable<readonly [string, unknown, unknown]> {
  for (const keyword of ["$defs", "definitions"]) {
    const known = objectOf(memberOf(objectOf(from) ?? {}, keyword)) ?? {};
    const all = objectOf(memberOf(objectOf(to) ?? {}, keyword)) ?? {};
    for (const [name, schema] of Object.entries(all)) yield [name, memberOf(known, name), schema];
  }
}
