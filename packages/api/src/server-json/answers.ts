/** Whether the answers to a server's questions will do. Pure. */
import type { FieldError } from "../error.ts";
import { nearest } from "../nearest.ts";
import { findReferences } from "../reference.ts";
import type { Question } from "./slots.ts";

/** By the key of the question; several for what may be repeated. A text may hold our references. */
export type Answers = ReadonlyMap<string, readonly string[]>;

/** The questions that have to be answered and are not. */
export function missingAnswers(questions: readonly Question[], answers: Answers): readonly Question[] {
  return questions.filter(
    ({ key, isRequired, default: fallback }) => isRequired && fallback === undefined && !answers.has(key),
  );
}

/** What is wrong with the answers that were given; values that may be secret are not repeated. */
export function wrongAnswers(questions: readonly Question[], answers: Answers): readonly FieldError[] {
  const keys = questions.map(({ key }) => key);
  const unknown = [...answers.keys()]
    .filter((key) => !keys.includes(key))
    .map((key) => {
      const close = nearest(key, keys);
      const hint = close === undefined ? "" : `; did you mean ${close}?`;
      return {
        path: key,
        given: "a value",
        expected: `one of ${keys.join(", ") || "nothing: it asks for none"}${hint}`,
      };
    });
  return [...unknown, ...questions.flatMap((question) => wrongOf(question, answers.get(question.key) ?? []))];
}

function wrongOf(question: Question, given: readonly string[]): readonly FieldError[] {
  const { key, isRepeated, isSecret } = question;
  if (given.length > 1 && !isRepeated) return [{ path: key, given: `${given.length} values`, expected: "one value" }];
  return given.flatMap((text) => {
    const expected = mistakeIn(question, text);
    const shown = isSecret ? "text (not shown)" : JSON.stringify(text.slice(0, 60));
    return expected === undefined ? [] : [{ path: key, given: shown, expected }];
  });
}

/** What is expected instead of this answer; undefined when it will do. What a reference stands for is not known. */
export function mistakeIn({ choices, format }: Question, text: string): string | undefined {
  if (findReferences(text).length > 0) return undefined;
  if (choices !== undefined && !choices.includes(text)) return `one of ${choices.join(", ")}`;
  if (format === "number" && !/^-?\d+(?:\.\d+)?$/.test(text)) return "a number";
  if (format === "boolean" && !["true", "false"].includes(text)) return "true or false";
  return undefined;
}
