/**
 * References in the values of `env` and `headers` and in `args`, so that configuration holds no secrets: `${secret:name}`, `${env:NAME}`,
 * `${env:NAME:-fallback}` and `${file:/path}`. `$${` stands for a literal `${`. This file finds and replaces them; looking up what they
 * stand for is the caller's.
 */
import type { ServerSource } from "./server.ts";

/** One reference found in a value. */
export interface Reference {
  /** As written, `${env:TOKEN}`. */
  readonly text: string;
  /** The word before the colon; empty when there is none. `secret`, `env` and `file` are those that can be replaced. */
  readonly source: string;
  /** What follows the colon, without the fallback: the name of a secret or a variable, or a file's path. */
  readonly key: string;
  /** What follows `:-`, for `env`. */
  readonly fallback?: string;
}

const pattern = /\$\$\{|\$\{([^{}]*)\}/g;

/** The references of a value, in order. */
export function findReferences(value: string): readonly Reference[] {
  return [...value.matchAll(pattern)].flatMap(([text, body]) => (body === undefined ? [] : [toReference(text, body)]));
}

/** `value` with every reference replaced by what `resolve` gives for it; whatever `resolve` throws goes through. */
export function expandReferences(value: string, resolve: (reference: Reference) => string): string {
  return value.replace(pattern, (text: string, body?: string) =>
    body === undefined ? "${" : resolve(toReference(text, body)),
  );
}

function toReference(text: string, body: string): Reference {
  const colon = body.indexOf(":");
  const source = colon < 0 ? "" : body.slice(0, colon);
  const rest = body.slice(colon + 1);
  const dash = source === "env" ? rest.indexOf(":-") : -1;
  return dash < 0
    ? { text, source, key: rest }
    : { text, source, key: rest.slice(0, dash), fallback: rest.slice(dash + 2) };
}

/** The references in a source that are replaced when it is started. */
export function sourceReferences(source: ServerSource): readonly Reference[] {
  const values =
    source.kind === "process" ? [...source.args, ...Object.values(source.env)] : Object.values(source.headers);
  return values.flatMap((value) => findReferences(value)).filter((found) => isReplaced(found));
}

/** Whether a reference is one of ours; any other text between `${` and `}` stays as it is. */
export function isReplaced({ source }: Pick<Reference, "source">): boolean {
  return source === "secret" || source === "env" || source === "file";
}

/** The secrets that a source has references to, each once, in the order in which they are there. */
export function secretNames(source: ServerSource): readonly string[] {
  return secretsAmong(sourceReferences(source));
}

/** The secrets among references, each once, in their order. */
export function secretsAmong(references: readonly Reference[]): readonly string[] {
  return [...new Set(references.flatMap(({ source, key }) => (source === "secret" ? [key] : [])))];
}
