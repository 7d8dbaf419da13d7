/** Gathers the differences between two catalogues, and gives them as a diff: the worst first, bounded in number and text. */
import type { SchemaChange, SchemaClass, SchemaDiff } from "@mcp-manager/api";
import { lineDiff, printable } from "./line-diff.ts";

type ChangeClass = SchemaChange["class"];

interface Found extends Omit<SchemaChange, "diff"> {
  readonly texts?: { readonly from: string; readonly to: string };
}

const changesMax = 200;
const wordsMax = 500;
/** Characters of all text diffs together: they are stored with the deployment. */
const diffLengthMax = 64 * 1024;
const worstFirst: readonly ChangeClass[] = ["breaking", "semantic", "additive"];

export class FoundChanges {
  readonly #found: Readonly<Record<ChangeClass, Found[]>> = { breaking: [], semantic: [], additive: [] };

  #count = 0;

  add(of: ChangeClass, subject: string, message: string): void {
    this.#add({ class: of, subject, message });
  }

  /** Words that models read are others. */
  text(subject: string, message: string, from: string, to: string): void {
    this.#add({ class: "semantic", subject, message, texts: { from, to } });
  }

  /** How many were added. */
  get count(): number {
    return this.#count;
  }

  diff(): SchemaDiff {
    const all = worstFirst.flatMap((each) => this.#found[each]).slice(0, changesMax);
    let lengthLeft = diffLengthMax;
    const changes = all.map(({ texts, ...change }): SchemaChange => {
      if (texts === undefined) return change;
      const { lines, count } = lineDiff(texts.from, texts.to);
      const length = lines.reduce((sum, line) => sum + line.length, 0);
      if (length > lengthLeft) return { ...change, message: `${change.message} (too much is other to be shown)` };
      lengthLeft -= length;
      const shown = lines.length < count ? ` (${lines.length} of ${count} lines are shown)` : "";
      return { ...change, message: change.message + shown, diff: lines };
    });
    const worst: SchemaClass = worstFirst.find((each) => this.#found[each].length > 0) ?? "none";
    return { class: worst, changes };
  }

  #add({ subject, message, ...rest }: Found): void {
    this.#count++;
    const found = this.#found[rest.class];
    if (found.length >= changesMax) return;
    found.push({ ...rest, subject: cut(printable(subject)), message: cut(printable(message)) });
  }
}

function cut(words: string): string {
  return words.length <= wordsMax ? words : `${words.slice(0, wordsMax)}…`;
}
