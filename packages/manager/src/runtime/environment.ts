/**
 * What a child process sees of the manager's environment: a short list of names that programs need to find themselves, and nothing
 * else (protocol.md S13). Pure. Proxy variables are left out on purpose, since their values often hold a password; a server that
 * needs one names it: `HTTPS_PROXY: ${env:HTTPS_PROXY}`.
 */

/** An environment as the platform gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where further certificate authorities are kept: paths. */
export const caNames: readonly string[] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/**
 * The official SDK's list, and: locale and time zone, so that output reads as expected; TMPDIR; and where extra certificate
 * authorities are kept, paths without a secret in them, without which nothing can be fetched behind a proxy that inspects TLS.
 */
const passedOn: readonly string[] = [
  ...["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"],
  ...["LANG", "LANGUAGE", "TZ", "TMPDIR"],
  ...caNames,
];

/** Names of variables that are passed on whatever follows: `LC_ALL`, `LC_TIME`. */
const passedOnPrefix = "LC_";

/** The environment of a child: what of `base` is passed on, then `own`, which wins. */
export function childEnvironment(base: Environment, own: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(base).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isPassedOn(entry[0], entry[1]),
  );
  return { ...Object.fromEntries(inherited), ...own };
}

function isPassedOn(name: string, value: string): boolean {
  // A value that begins like this is a function that an old bash would run.
  return (passedOn.includes(name) || name.startsWith(passedOnPrefix)) && !value.startsWith("()");
}
