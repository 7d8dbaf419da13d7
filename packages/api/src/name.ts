/** What a resource may be called. Names appear in URLs, tool prefixes, file names and metric labels, hence the narrow alphabet. */

/** Longest name of a resource a user names, in characters. */
export const nameLengthMax = 40;

/** Lower-case letters, digits and inner hyphens, 1 to 40 characters. Source: resources.md, "Resources and the surface". */
export const namePattern: RegExp = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** The rule in words, for error messages. */
export const nameRule = "1 to 40 lower-case letters, digits and inner hyphens, for example my-server-2";

/** Whether `text` may name a Server, a Group, a Role … */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * A name for what is called otherwise elsewhere (`My Server`, `@acme/weather`, `API_KEY`), none of `taken`: lower-case with hyphens, cut,
 * and numbered when that is taken. Deterministic.
 */
export function legalName(text: string, taken: ReadonlySet<string> = new Set()): string {
  const plain = text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const name = trim(trim(plain.replaceAll(/[^a-z0-9]+/g, "-")).slice(0, nameLengthMax)) || "server";
  if (!taken.has(name)) return name;
  for (let number = 2; ; number += 1) {
    const suffix = `-${number}`;
    const candidate = `${trim(name.slice(0, nameLengthMax - suffix.length))}${suffix}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function trim(text: string): string {
  return text.replaceAll(/^-+|-+$/g, "");
}

/**
 * Names the manager makes itself (`weather-7`, `weather-7-x2k9`) append to a user's name, so they may be longer than it.
 * 64 characters at most.
 */
export const derivedNamePattern: RegExp = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
