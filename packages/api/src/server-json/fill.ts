/**
 * Slots and answers into texts. What the description says is taken literally, whatever it looks like: a reference of ours in it would
 * have secrets of this machine sent to whoever wrote it. What was answered may hold references.
 */
import { ManagerError } from "../error.ts";
import type { Answers } from "./answers.ts";
import type { Piece, Question, Slot } from "./slots.ts";

/** The texts of a slot, one for each time that it is to be there; none when it was left unanswered. Throws `invalid_argument`. */
function textsOf(slot: Slot, answers: Answers): readonly string[] {
  const asked = slot.pieces.flatMap((piece) => (piece.kind === "answer" ? [piece.question] : []));
  const given = new Map(asked.map((question) => [question, valuesOf(question, answers)] as const));
  const counts = [...given.values()].map((values) => values.length);
  if (counts.includes(0)) return [];
  const times = Math.max(1, ...counts);
  const odd = asked.find((question) => ![1, times].includes(given.get(question)?.length ?? 0));
  if (odd !== undefined) {
    throw new ManagerError(
      "invalid_argument",
      `${odd.key} has to be given once, or ${times} times as what belongs to it`,
    );
  }
  return Array.from({ length: times }, (_, time) =>
    joined(
      slot.pieces.map((piece): Value => {
        if (piece.kind === "text") return { text: piece.text, isOurs: false };
        const values = given.get(piece.question) ?? [];
        return values[values.length === 1 ? 0 : time] ?? { text: "", isOurs: false };
      }),
    ),
  );
}

/** The texts of arguments in their order: flag and value apart, as servers are tried with by those who publish them. */
export function argumentsOf(slots: readonly Slot[], answers: Answers): readonly string[] {
  return slots.flatMap((slot) => {
    const { name, pieces } = slot;
    if (name === undefined) return textsOf(slot, answers);
    const flag = joined([{ text: name, isOurs: false }]);
    if (pieces.length === 0) return [flag];
    return textsOf(slot, answers).flatMap((text) => {
      if (name.endsWith("=")) return [flag + text];
      return text === "" ? [flag] : [flag, text];
    });
  });
}

/** Names with their texts; what was left unanswered is left out. */
export function entriesOf(slots: readonly Slot[], answers: Answers): Readonly<Record<string, string>> {
  return Object.fromEntries(slots.flatMap((slot) => textsOf(slot, answers).map((text) => [slot.name ?? "", text])));
}

interface Value {
  readonly text: string;
  /** Whether the person who runs it said so. */
  readonly isOurs: boolean;
}

function valuesOf({ key, default: fallback }: Question, answers: Answers): readonly Value[] {
  const given = answers.get(key);
  if (given !== undefined) return given.map((text) => ({ text, isOurs: true }));
  return fallback === undefined ? [] : [{ text: fallback, isOurs: false }];
}

/** Escaped after what is not ours was put together: no two halves of it make a reference. */
function joined(values: readonly Value[]): string {
  let text = "";
  let theirs = "";
  for (const value of values) {
    if (!value.isOurs) theirs += value.text;
    else {
      text += literal(theirs) + value.text;
      theirs = "";
    }
  }
  return text + literal(theirs);
}

function literal(text: string): string {
  // As a function: in a text for a replacement, two dollar signs are one.
  return text.replaceAll("${", () => "$${");
}

/** The text of an address, which knows no references: those of an answer are refused where it is checked. */
export function addressOf({ pieces }: Slot, answers: Answers): string {
  return pieces
    .map((piece: Piece) => (piece.kind === "text" ? piece.text : (valuesOf(piece.question, answers)[0]?.text ?? "")))
    .join("");
}
