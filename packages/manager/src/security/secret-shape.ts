/**
 * Whether a text is likely to be a secret: by the name that it has, or by what it looks like. Pure. A guess: what is kept as a secret
 * without need works all the same, what is missed stays where it was.
 */
import { redact } from "./redact.ts";

const words = new Set(
  (
    "token tokens secret secrets password passwords passwd passphrase pwd pass apikey apikeys key keys auth authorization " +
    "credential credentials cookie pat bearer jwt dsn"
  ).split(" "),
);
const endings = /(?:token|secret|password|passwd|apikey)$/;
/** A name that ends so is about a secret, and holds none: `TOKEN_FILE`, `AUTH_TYPE`. */
const about = new Set(
  "file path dir url uri host port type mode method name enabled limit limits timeout ttl count max min".split(" "),
);
/** Counts of another kind of token. */
const counts = /max[-_]?tokens|tokens?[-_]?(?:limit|count)/i;

/** Values that say what is done, or how much, and are no secret whatever their name. */
const plainValue =
  /^(?:true|false|yes|no|on|off|none|null|auto|default|enabled|disabled|oauth2?|basic|bearer|\d{1,5})$/i;
const pathLike = /^(?:(?:~|\.{1,2})?\/|[A-Za-z]:\\)/;

/** Whether a variable, header or option of this name holds a secret: `GITHUB_TOKEN`, `X-Api-Key`, `tavilyApiKey`. */
export function announcesSecret(name: string): boolean {
  const parts = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== "");
  if (counts.test(name) || about.has(parts.at(-1) ?? "")) return false;
  return parts.some((part) => words.has(part) || endings.test(part));
}

/** Whether a text under a name that announces a secret can be one. */
export function canBeSecret(text: string): boolean {
  if (text.trim() === "" || plainValue.test(text)) return false;
  return !pathLike.test(text) || isRandom(text);
}

/** Whether a text is a secret by its form alone: a known service's key, a JWT, a URL with a password, a long random text. */
export function looksSecret(text: string): boolean {
  return redact(text) !== text || isRandom(text);
}

const randomLengthMin = 32;
/** Bits a character. English words with digits between stay below. */
const entropyMin = 3.5;

/** Long, of one run of letters and digits, and with nothing to read in it. Names, paths and UUIDs are none. */
function isRandom(text: string): boolean {
  if (text.length < randomLengthMin || text.length > 4_096 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return false;
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return false;
  const isHex = /^[0-9a-f]+$/i.test(text) && /\d/.test(text) && /[a-f]/i.test(text);
  const isMixed = /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && text.split(/[/_-]/).length <= 6;
  return (isHex || isMixed) && entropyOf(text) >= entropyMin - (isHex ? 0.5 : 0);
}

function entropyOf(text: string): number {
  const counted = new Map<string, number>();
  for (const character of text) counted.set(character, (counted.get(character) ?? 0) + 1);
  return [...counted.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
