/**
 * API keys: `mcpm_<id>_<secret>`. The id finds the entry, the secret proves it; of the secret only a SHA-256 is kept, which is
 * enough because it has 256 random bits. The admin key is one more entry, without an id of its own when a person chose its text.
 * Owns the format and the verification; where keys are stored is `stored-keys.ts`.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Principal } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import { shortId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import type { Watched } from "../base/watched.ts";
import type { Authenticated, Authenticator, AuthFailure } from "./authenticator.ts";
import { createPrincipal } from "./principal.ts";
import type { AuthMethod } from "./principal.ts";
import { RecentMap } from "./recent-map.ts";

/** What is known of one key. */
export interface KeyEntry {
  /** Name of the principal it stands for. */
  readonly principal: string;
  readonly roles: readonly string[];
  /** SHA-256 of the key's whole text. */
  readonly digest: Buffer;
  /** Milliseconds since the epoch; the key is refused from then on. Absent: never. */
  readonly expiresAtMs?: number;
}

/** Every key that is valid now; replaced whole when one is made, changed or deleted. */
export interface KeyTable {
  /** The admin key, whatever it looks like. */
  readonly admin?: KeyEntry;
  /** The others, by the id in their text. */
  readonly byId: ReadonlyMap<string, KeyEntry>;
}

/** A key that was just made. `key` is shown once and not kept. */
export interface MintedKey {
  readonly id: string;
  readonly key: string;
  readonly digest: Buffer;
  /** The first characters, to tell keys apart in a list. */
  readonly hint: string;
}

/** The prefix lets scanners of repositories and our own redactor find keys that went astray. */
const keyPattern = /^mcpm_([a-z0-9]{1,32})_([A-Za-z0-9_-]{20,128})$/;
const headerPattern = /^bearer +([!-~]+) *$/i;
const headerLengthMax = 1_024;
/** Different header texts remembered; each is some 200 bytes. */
const verifiedMax = 10_000;

/** Makes a key. `id` is random unless given. */
export function mintKey(random: Random, id: string = shortId(random, 12)): MintedKey {
  const key = `mcpm_${id}_${random.bytes(32).toString("base64url")}`;
  return { id, key, digest: keyDigest(key), hint: `mcpm_${id}_…` };
}

/** What is kept of a key's text. */
export function keyDigest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

interface Verified {
  readonly answer: Authenticated;
  readonly expiresAtMs: number;
}

/** Verifies bearer keys against a table. Verified headers are looked up by their text until the table changes or they expire. */
export class KeyAuthenticator implements Authenticator, Disposable {
  readonly #table: Watched<KeyTable>;
  readonly #clock: Clock;
  readonly #verified = new RecentMap<string, Verified>(verifiedMax);
  readonly #stop: () => void;

  constructor(table: Watched<KeyTable>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
    this.#stop = table.onChange(() => this.#verified.clear());
  }

  authenticate(header: string | undefined): Authenticated | AuthFailure {
    if (header === undefined) return missing;
    const known = this.#verified.get(header);
    if (known === undefined) return this.#verify(header);
    if (known.expiresAtMs === Infinity || this.#clock.wallMs() < known.expiresAtMs) return known.answer;
    this.#verified.delete(header);
    return expired;
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#verified.clear();
  }

  #verify(header: string): Authenticated | AuthFailure {
    const key = header.length > headerLengthMax ? undefined : headerPattern.exec(header)?.[1];
    if (key === undefined) return malformed;
    const found = this.#find(key);
    if (found === undefined) return unknown;
    const { entry, method } = found;
    const expiresAtMs = entry.expiresAtMs ?? Infinity;
    if (this.#clock.wallMs() >= expiresAtMs) return expired;
    const answer: Authenticated = {
      kind: "principal",
      principal: createPrincipal(entry.principal, entry.roles, method),
    };
    this.#verified.set(header, { answer, expiresAtMs });
    return answer;
  }

  /** Compares the same number of digests in the same time, whether the id is known or not. */
  #find(key: string): { readonly entry: KeyEntry; readonly method: AuthMethod } | undefined {
    const { admin, byId } = this.#table.current;
    const digest = keyDigest(key);
    const entry = byId.get(keyPattern.exec(key)?.[1] ?? "");
    const isAdmin = timingSafeEqual(digest, admin?.digest ?? nothing);
    const isKey = timingSafeEqual(digest, entry?.digest ?? nothing);
    if (admin !== undefined && isAdmin) return { entry: admin, method: "admin-key" };
    return entry !== undefined && isKey ? { entry, method: "api-key" } : undefined;
  }
}

/** Whether some key that is good now stands for this principal and its roles: for what outlives the request that showed a key. */
export function isVouchedFor({ admin, byId }: KeyTable, { name, roles }: Principal, wallMs: number): boolean {
  const isGood = (entry: KeyEntry): boolean =>
    entry.principal === name && String(entry.roles) === String(roles) && wallMs < (entry.expiresAtMs ?? Infinity);
  if (admin !== undefined && isGood(admin)) return true;
  for (const entry of byId.values()) if (isGood(entry)) return true;
  return false;
}

/** Stands in for the digest of a key that is not there; nothing hashes to it, and a match would still find no entry. */
const nothing = Buffer.alloc(32);

const missing = refusal("missing", "this needs a credential: send Authorization: Bearer <key>");
const malformed = refusal("malformed", "the Authorization header is not of the form: Bearer <key>");
const unknown = refusal(
  "unknown",
  "the key is not known here: it is mistyped, was deleted, or belongs to another manager",
);
const expired = refusal("expired", "the key has expired: ask for a new one");

function refusal(reason: AuthFailure["reason"], message: string): AuthFailure {
  return { kind: "failure", reason, message };
}
