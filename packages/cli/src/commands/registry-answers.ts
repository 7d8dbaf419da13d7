/**
 * What the description of a server leaves open, decided: by options, by a person who is asked, or by what the description says itself.
 * A secret is typed unseen and goes to the manager's secrets, so that the Server holds no more than a reference to it.
 */
import type { Answers, Question } from "@mcp-manager/api";
import {
  findReferences,
  invalidFields,
  legalName,
  ManagerError,
  missingAnswers,
  mistakeIn,
  wrongAnswers,
} from "@mcp-manager/api";
import type { Invocation } from "../command.ts";
import { printable } from "../output.ts";
import { UsageError } from "../usage.ts";

/** A value that is to be kept before the server is started. */
export interface KeptSecret {
  readonly name: string;
  readonly value: string;
}

/** What was decided. */
export interface Decided {
  readonly answers: Answers;
  /** Secrets that the answers refer to. */
  readonly secrets: readonly KeptSecret[];
}

/** `NAME=VALUE` of options, by name, in their order. Throws UsageError. */
export function pairsOf(
  option: string,
  texts: readonly string[],
  words: readonly string[],
): Map<string, readonly string[]> {
  const pairs = new Map<string, readonly string[]>();
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--${option} takes NAME=VALUE, not "${text.slice(0, 40)}"`, words);
    const name = text.slice(0, at);
    pairs.set(name, [...(pairs.get(name) ?? []), text.slice(at + 1)]);
  }
  return pairs;
}

/**
 * Decides all questions of `server`, a name of ours. Asks for what is required and not given where there is somebody to ask. Throws
 * `invalid_argument` with everything that is missing or wrong.
 */
export async function decide(
  invocation: Invocation,
  {
    server,
    questions,
    given,
  }: { readonly server: string; readonly questions: readonly Question[]; readonly given: Answers },
): Promise<Decided> {
  const wrong = wrongAnswers(questions, given);
  if (wrong.length > 0) throw invalidFields(`server ${server}`, wrong);
  const answers = new Map(given);
  for (const question of questions) {
    if (!question.isRequired || answers.has(question.key)) continue;
    const texts = await ask(invocation, question);
    if (texts === undefined) break;
    if (texts.length > 0) answers.set(question.key, texts);
  }
  const missing = missingAnswers(questions, answers);
  if (missing.length > 0) throw notDecided(server, missing);
  return withSecrets(server, questions, answers);
}

/** Undefined where there is nobody to ask; empty to leave it as the description has it. */
async function ask({ io, print }: Invocation, question: Question): Promise<readonly string[] | undefined> {
  const { subject, description, placeholder, choices, default: fallback, isSecret, isRepeated } = question;
  const hints = [
    ...(choices === undefined ? [] : [`one of ${choices.join(", ")}`]),
    ...(choices !== undefined || placeholder === undefined ? [] : [`such as ${placeholder}`]),
    ...(fallback === undefined || isSecret ? [] : [`Enter for ${fallback}`]),
    ...(isRepeated ? ["several: an empty line ends them"] : []),
    ...(isSecret ? ["not shown"] : []),
  ];
  const what = printable(`${subject}${description === undefined ? "" : `: ${description}`}`);
  const prompt = `${what}${hints.length === 0 ? "" : ` (${printable(hints.join("; "))})`}\n> `;
  const texts: string[] = [];
  for (;;) {
    const text = await (isSecret ? io.askHidden(prompt) : io.ask(prompt));
    if (text === undefined) return undefined;
    const mistake = text === "" ? undefined : mistakeIn(question, text);
    if (mistake !== undefined) print.note(`  that has to be ${printable(mistake)}`);
    else if (text !== "") {
      texts.push(text);
      if (!isRepeated) return texts;
    } else if (texts.length > 0 || fallback !== undefined) return texts;
    else print.note("  it cannot be left out");
  }
}

/** Everything at once, so that a script needs one attempt. */
function notDecided(server: string, missing: readonly Question[]): ManagerError {
  const fields = missing.map(({ key, subject, description, choices }) => ({
    path: `--set ${key}=VALUE`,
    given: "nothing",
    expected: printable(
      [
        `${subject}${description === undefined ? "" : ` (${description})`}`,
        ...(choices === undefined ? [] : [`one of ${choices.join(", ")}`]),
      ].join(", "),
    ),
  }));
  return invalidFields(`server ${server}`, fields);
}

/** What is secret and was given as itself becomes a reference, where one can stand. */
function withSecrets(server: string, questions: readonly Question[], answers: Answers): Decided {
  const replaced = new Map(answers);
  const secrets: KeptSecret[] = [];
  const taken = new Set<string>();
  for (const { key, isSecret, takesReferences } of questions) {
    const texts = answers.get(key);
    if (!isSecret || !takesReferences || texts === undefined) continue;
    const references = texts.map((text) => {
      if (text === "" || findReferences(text).length > 0) return text;
      const name = legalName(`${server}-${key}`, taken);
      taken.add(name);
      secrets.push({ name, value: text });
      return `\${secret:${name}}`;
    });
    replaced.set(key, references);
  }
  return { answers: replaced, secrets };
}
