/**
 * Takes the secrets that are written out in a server's source, and puts references in their place. Pure: what is taken is handed back, to
 * be kept as Secrets by whoever asked. Values with references in them are left as they are.
 */
import type { ProcessSource, ServerSource } from "@mcp-manager/api";
import { expandReferences, findReferences, isReplaced } from "@mcp-manager/api";
import { announcesSecret, canBeSecret, looksSecret } from "./secret-shape.ts";

/** A secret that was written out. */
export interface LiftedSecret {
  /** Of the Secret that it is to be kept as. */
  readonly name: string;
  /** Where it stood: `env.TOKEN`, `headers.Authorization`, `args[2]`. */
  readonly field: string;
  readonly value: string;
}

/** A source without its secrets. */
export interface Lifted {
  readonly source: ServerSource;
  readonly secrets: readonly LiftedSecret[];
  /** What remains to be said, without secrets. */
  readonly notes: readonly string[];
}

/** `nameOf` gives the Secret for a variable, header or option its name, another one each time. */
export function liftSecrets(source: ServerSource, nameOf: (variable: string) => string): Lifted {
  const lifting = new Lifting(nameOf);
  const without: ServerSource =
    source.kind === "remote"
      ? { ...source, headers: lifting.values("headers", source.headers) }
      : { ...source, env: lifting.values("env", source.env), args: lifting.args(source.args) };
  return { source: without, secrets: lifting.found, notes: [...notesOnArgs(lifting.found), ...notesOnUrl(source)] };
}

class Lifting {
  readonly found: LiftedSecret[] = [];
  readonly #nameOf: (variable: string) => string;

  constructor(nameOf: (variable: string) => string) {
    this.#nameOf = nameOf;
  }

  values(field: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(values).map(([name, text]) => [name, this.#value(`${field}.${name}`, name, text)]),
    );
  }

  args(args: ProcessSource["args"]): ProcessSource["args"] {
    return args.map((text, index) => this.#argument(`args[${index}]`, text, args[index - 1]));
  }

  /** `--api-key VALUE`, `--token=VALUE`, `TOKEN=VALUE`, `Authorization: VALUE`; else by its form. */
  #argument(field: string, text: string, before: string | undefined): string {
    const option = /^--?([\w-]+)$/.exec(before ?? "")?.[1];
    if (option !== undefined && announcesSecret(option) && !text.startsWith("-"))
      return this.#value(field, option, text);
    const [, head = "", name = "", value = ""] = /^(-{0,2}([A-Za-z][\w.-]*)(?:=|:[ ]*))([^]+)$/.exec(text) ?? [];
    const isUrl = value.startsWith("//");
    if (name !== "" && !isUrl && (announcesSecret(name) || looksSecret(value)))
      return head + this.#value(field, name, value);
    return this.#value(field, option === undefined || text.startsWith("-") ? field : option, text);
  }

  /** The text with a reference for the secret in it, or as it is. */
  #value(field: string, variable: string, text: string): string {
    if (findReferences(text).some(isReplaced)) return text;
    const plain = expandReferences(text, (reference) => reference.text);
    // What stands before the credential says how it is meant, and is better read than hidden.
    const [, scheme = "", credential = plain] = /^((?:Bearer|Basic|Token)[ ]+)(\S.*)$/i.exec(plain) ?? [];
    const isSecret = announcesSecret(variable) ? canBeSecret(credential) : looksSecret(plain);
    if (!isSecret) return text;
    const name = this.#nameOf(variable);
    this.found.push({ name, field, value: credential });
    return `${scheme}\${secret:${name}}`;
  }
}

function notesOnArgs(found: readonly LiftedSecret[]): readonly string[] {
  const shown = found.filter(({ field }) => field.startsWith("args"));
  return shown.map(
    ({ name, field }) =>
      `${field} is the secret ${name} now, but a process's arguments can be read in the list of processes: pass it in env, if the server takes it there`,
  );
}

/** References are not replaced in addresses. */
function notesOnUrl(source: ServerSource): readonly string[] {
  const query = source.kind === "remote" ? (URL.parse(source.url)?.searchParams ?? new URLSearchParams()) : [];
  return [...query].flatMap(([name, value]) =>
    (announcesSecret(name) && canBeSecret(value)) || looksSecret(value)
      ? `what looks like a secret stays in the url (?${name}=…), where whoever may read servers reads it: send it as a header, if the server takes one`
      : [],
  );
}
