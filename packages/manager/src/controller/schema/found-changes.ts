/** Gathers the differences between two catalogues, and gives them as a diff: the worst first, bounded in number and text. */
import type { SchemaChange, SchemaClass, SchemaDiff } from "@mcp-manager/api";
import { lineDiff, printable } from "./line-diff.ts";

type ChangeClass = SchemaChange["class"];

interface Found extends Omit<SchemaChange, "diff"> {
  readonly texts?: { readonly from: string; readonly to: string };
}

const changesMax = 200;
const wordsMax = 500;
/** Bytes of all changes together as JSON, and of their text diffs: they are stored in one value, with the deployment's status. */
const bytesMax = 192 * 1024;
const diffBytesMax = 64 * 1024;
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
    let diffBytesLeft = diffBytesMax;
    const changes = all.map(({ texts, ...change }): SchemaChange => {
      if (texts === undefined) return change;
      const { lines, count } = lineDiff(texts.from, texts.to);
      const bytes = bytesOf(lines);
      if (bytes > diffBytesLeft) return { ...change, message: `${change.message} (too much is other to be shown)` };
      diffBytesLeft -= bytes;
      const shown = lines.length < count ? ` (${lines.length} of ${count} lines are shown)` : "";
      return { ...change, message: change.message + shown, diff: lines };
    });
    const worst: SchemaClass = worstFirst.find((each) => this.#found[each].length > 0) ?? "none";
    return { class: worst, changes: fitting(changes) };
  }

  #add({ subject, message, ...rest }: Found): void {
    this.#count++;
    const found = this.#found[rest.class];
    if (found.length >= changesMax) return;
    found.push({ ...rest, subject: cut(printable(subject)), message: cut(printable(message)) });
  }
}

/** As many of the first as may be kept. */
function fitting(changes: readonly SchemaChange[]): readonly SchemaChange[] {
  let bytes = 0;
  return changes.filter((change) => {
    bytes += bytesOf(change);
    return bytes <= bytesMax;
  });
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function cut(words: string): string {
  return words.length <= wordsMax ? words : `${words.slice(0, wordsMax)}…`;
}
