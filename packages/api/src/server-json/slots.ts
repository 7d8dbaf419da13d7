/**
 * What a description leaves open, as questions, and what is to be filled in, as slots in their order: one for each argument, variable of
 * the environment, header and address. Pure; a slot keeps apart what the description says and what was answered, since only the latter
 * is trusted.
 */
import type { NamedInput, RegistryArgument, RegistryInput, TemplateInput } from "./format.ts";

/** Something that whoever runs the server decides. */
export interface Question {
  /** What it is answered by: unlike any other of the same server. */
  readonly key: string;
  /** What it is for: `environment variable TOKEN`, `argument target_dir`. */
  readonly subject: string;
  readonly description?: string;
  /** An example. */
  readonly placeholder?: string;
  readonly default?: string;
  readonly choices?: readonly string[];
  /** `string`, `number`, `boolean`, `filepath`, as the description has it. */
  readonly format?: string;
  /** Without an answer and a default the server cannot be run. */
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  /** Whether it may be answered several times. */
  readonly isRepeated: boolean;
  /** Whether the answer may be a reference, as to a secret; in an address it may not. */
  readonly takesReferences: boolean;
}

/** Text of the description, or the answer to a question. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "answer"; readonly question: Question };

/** Something that is filled in. Without pieces it is a flag that stands alone. */
export interface Slot {
  /** The flag, the variable or the header; absent for what has its place only. */
  readonly name?: string;
  readonly pieces: readonly Piece[];
}

/** Makes slots of inputs, and gives each question its key. One for each server. */
export class SlotMaker {
  readonly #questions = new Map<string, Question>();

  /** All that is asked so far, in the order of the slots. */
  get questions(): readonly Question[] {
    return [...this.#questions.values()];
  }

  argument(argument: RegistryArgument): Slot {
    const isRepeated = argument.isRepeated === true;
    if (argument.type === "positional") {
      const name = argument.valueHint ?? "argument";
      return { pieces: this.#pieces(argument, { name, subject: `argument ${name}`, isRepeated }) };
    }
    const { name } = argument;
    // Nothing in it speaks of a value.
    if (isFlag(argument)) return { name, pieces: [] };
    const key = name.replace(/^-+/, "").replace(/=$/, "");
    return { name, pieces: this.#pieces(argument, { name: key, subject: `argument ${name}`, isRepeated }) };
  }

  /** `noun`: `environment variable` or `header`. */
  named(noun: string, input: NamedInput): Slot {
    const { name } = input;
    return { name, pieces: this.#pieces(input, { name, subject: `${noun} ${name}`, isRepeated: false }) };
  }

  /** An address, whose variables are all needed: without one of them it would be another. */
  address(template: string, variables: Readonly<Record<string, RegistryInput>>): Slot {
    const input = { value: template, variables, isRequired: true };
    return { pieces: this.#pieces(input, { name: "url", subject: "the address", isRepeated: false, isAddress: true }) };
  }

  #pieces(input: TemplateInput, of: Asked): readonly Piece[] {
    if (input.value === undefined) return [{ kind: "answer", question: this.#ask(input, of) }];
    return this.#template(input.value, input, of);
  }

  #template(template: string, input: TemplateInput, of: Asked): readonly Piece[] {
    const { variables = {}, isRequired = false, isSecret = false } = input;
    const asked = new Map<string, Piece>();
    // The parts at odd places are what stands between braces.
    return template.split(/\{([^{}]*)\}/).map((part, index): Piece => {
      if (index % 2 === 0) return { kind: "text", text: part };
      const variable = Object.hasOwn(variables, part) ? variables[part] : undefined;
      if (variable === undefined) return { kind: "text", text: `{${part}}` };
      if (variable.value !== undefined) return { kind: "text", text: variable.value };
      const before = asked.get(part);
      if (before !== undefined) return before;
      const whole = {
        ...variable,
        isRequired: variable.isRequired === true || isRequired,
        isSecret: variable.isSecret === true || isSecret,
      };
      const { subject } = of;
      const piece: Piece = {
        kind: "answer",
        question: this.#ask(whole, { ...of, name: part, subject: `${part} of ${subject}` }),
      };
      asked.set(part, piece);
      return piece;
    });
  }

  #ask(input: RegistryInput, { name, subject, isRepeated, isAddress = false }: Asked): Question {
    const { value: _, isRequired = false, isSecret = false, format, ...others } = input;
    const key = this.#free(name.replaceAll(/[\s=]+/g, "-"));
    const { description, placeholder, default: fallback, choices } = others;
    const question: Question = {
      key,
      subject,
      ...(description === undefined ? {} : { description }),
      ...(placeholder === undefined ? {} : { placeholder }),
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(choices === undefined || choices.length === 0 ? {} : { choices }),
      ...(format === undefined ? {} : { format }),
      isRequired,
      isSecret,
      isRepeated,
      takesReferences: !isAddress,
    };
    this.#questions.set(key, question);
    return question;
  }

  #free(name: string): string {
    for (let number = 1; ; number += 1) {
      const key = number === 1 ? name : `${name}-${number}`;
      if (!this.#questions.has(key)) return key;
    }
  }
}

/** What a question is named after. */
interface Asked {
  readonly name: string;
  readonly subject: string;
  readonly isRepeated: boolean;
  readonly isAddress?: boolean;
}

function isFlag({
  value,
  default: fallback,
  placeholder,
  choices,
  format,
  isRequired,
  isSecret,
}: TemplateInput): boolean {
  const hints = [value, fallback, placeholder, format].some((hint) => hint !== undefined);
  return !hints && (choices ?? []).length === 0 && isRequired !== true && isSecret !== true;
}
