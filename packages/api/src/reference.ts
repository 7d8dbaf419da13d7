/**
 * References in the values of `env` and `headers`, so that configuration holds no secrets: `${env:NAME}`,
 * `${env:NAME:-fallback}` and `${file:/path}`. `$${` stands for a literal `${`. This file finds and replaces them; reading the
 * environment or a file is the caller's.
 */

/** One reference found in a value. */
export interface Reference {
  /** As written, `${env:TOKEN}`. */
  readonly text: string;
  /** The word before the colon; empty when there is none. `env` and `file` are the ones that can be replaced. */
  readonly source: string;
  /** What follows the colon, without the fallback: a variable's name or a file's path. */
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
