/**
 * Masks what looks like a secret in text that is kept or shown: log lines, what servers print. It is a net, not a wall: known
 * values are always found, unknown ones by their usual forms. Every pattern is linear in the text's length.
 */

/** Masks secrets in a text. */
export type Redact = (text: string) => string;

/** What stands where a secret was. */
export const redacted = "[redacted]";

/** Shorter values would mask ordinary words. */
const knownLengthMin = 6;

/** Characters that secrets are made of; quotes, spaces, commas and backslashes end one, so that JSON around it stays JSON. */
const run = "[A-Za-z0-9._~+/=-]";

const patterns: readonly (readonly [RegExp, string])[] = [
  // Our own keys, and those of well-known services.
  [/\bmcpm_[a-z0-9]{1,32}_[A-Za-z0-9_-]{20,}/g, redacted],
  [
    /\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|npm_|pypi-|hf_|sk-|rk_live_|sk_live_|pk_live_)[A-Za-z0-9_-]{16,}/g,
    redacted,
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, redacted],
  [/\bAIza[A-Za-z0-9_-]{30,}/g, redacted],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, redacted],
  // Credentials in headers and URLs.
  [new RegExp(`\\b(bearer|basic)([ ]+)${run}{6,}`, "gi"), `$1$2${redacted}`],
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'\\]{0,128}):[^\s/@"'\\]{1,256}@/gi, `$1:${redacted}@`],
  // name=value and "name": "value" where the name announces it.
  [
    new RegExp(
      `((?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)\\\\?["']?[ ]{0,4}[=:][ ]{0,4}\\\\?["']?)(?!\\[redacted\\]|\\(hidden\\))${run}{6,}`,
      "gi",
    ),
    `$1${redacted}`,
  ],
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^-"\\]|\\[rn]){0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
    redacted,
  ],
];

/** Masks by form alone. */
export const redact: Redact = (text) => {
  let shown = text;
  for (const [pattern, replacement] of patterns) shown = shown.replace(pattern, replacement);
  return shown;
};

/** Masks these values wherever they stand, and their lines (those of 6 characters and more), and whatever `redact` masks. */
export function createRedact(secrets: Iterable<string>): Redact {
  // The longest first, so that a value that contains another is masked whole.
  const known = [...new Set([...secrets].flatMap((secret) => [secret, ...secret.split(/\r?\n/)]))]
    .filter((secret) => secret.length >= knownLengthMin)
    .toSorted((a, b) => b.length - a.length);
  return (text) => redact(known.reduce((shown, secret) => shown.replaceAll(secret, redacted), text));
}
