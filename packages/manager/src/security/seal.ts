/**
 * Sealing: small values that travel with clients (session ids, cursors, states) and come back unchanged or not at all. AES-256-GCM
 * with a key of the installation; the context (what the value is for) is authenticated, so that a cursor is no session id.
 * Whoever holds the key can open everything, so it never leaves `<data>/cluster.key`. Secrets are sealed alike, under a key of their own.
 *
 *   base64url( version 1 byte ┆ key id 4 bytes ┆ nonce 12 bytes ┆ ciphertext ┆ tag 16 bytes )
 *   plaintext: expiry as a float64, then JSON;  associated data: version, key id, context
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { join } from "node:path";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { readOrCreate } from "./private-file.ts";

/** One key; its id is the first four bytes of the key's SHA-256. */
export interface SealKey {
  readonly id: Buffer;
  readonly key: Buffer;
}

/** Seals and opens. Both are synchronous and take some ten microseconds: keep what was opened. */
export interface Sealer {
  /** `payload` is what JSON can say. The text is safe in a header; it is good until `expiresAtMs` of the wall clock. */
  seal(context: string, payload: unknown, expiresAtMs: number): string;
  /** The payload; undefined for whatever is not exactly a sealed text of this context that has not expired. */
  open(context: string, text: string): unknown;
}

/** A file of keys in the data directory. */
export interface KeyFile {
  readonly name: string;
  /** What to do when it is damaged, and what is lost then. */
  readonly remedy: string;
}

const clusterKeys: KeyFile = {
  name: "cluster.key",
  remedy: "restore it, or delete it: sessions and cursors given out before become invalid",
};

const version = 1;
const keyBytes = 32;
const idBytes = 4;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + idBytes + nonceBytes;
const expiryBytes = 8;
/** Longest text that is looked at: a server's state of 64 KiB, sealed. What comes in header lines is shorter by their own limit. */
const textLengthMax = 131_072;
/** Keys kept for opening; rotation adds one in front and drops the last. */
const keysMax = 8;

/**
 * The installation's keys: from `<data>/cluster.key`, or another file, made on the first start with mode 0600. One key a line in
 * base64url, the one that seals first; those after it only open. Rejects with `failed_precondition` when the file can't be that.
 */
export async function loadSealKeys(
  dataDir: string,
  random: Random,
  { name, remedy }: KeyFile = clusterKeys,
): Promise<readonly SealKey[]> {
  const path = join(dataDir, name);
  const { text } = await readOrCreate(path, () => `${random.bytes(keyBytes).toString("base64url")}\n`, random);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const keys = lines.map((line) => strictDecode(line.trim()));
  if (keys.length === 0 || keys.length > keysMax || !keys.every((key) => key?.length === keyBytes)) {
    const rule = `1 to ${keysMax} lines of ${keyBytes} bytes in base64url`;
    throw new ManagerError("failed_precondition", `${path} does not hold ${rule}: ${remedy}`);
  }
  return keys.flatMap((key) => (key === undefined ? [] : [toSealKey(key)]));
}

/** A key from its 32 bytes. */
export function toSealKey(key: Buffer): SealKey {
  return { id: createHash("sha256").update(key).digest().subarray(0, idBytes), key };
}

/** A sealer with at least one key; the first seals, all open. */
export function createSealer(keys: readonly SealKey[], clock: Clock, random: Random): Sealer {
  const [sealing] = keys;
  if (sealing === undefined) throw new ManagerError("failed_precondition", "there is no key to seal with");
  const known = keys.slice(0, keysMax);
  return {
    seal: (context, payload, expiresAtMs) => seal(sealing, random.bytes(nonceBytes), context, payload, expiresAtMs),
    open(context, text) {
      const bytes = text.length > textLengthMax ? undefined : strictDecode(text);
      if (bytes === undefined || bytes.length < headBytes + expiryBytes + tagBytes || bytes[0] !== version)
        return undefined;
      const id = bytes.subarray(1, 1 + idBytes);
      const key = known.find((candidate) => candidate.id.equals(id));
      return key === undefined ? undefined : open(key, context, bytes, clock.wallMs());
    },
  };
}

function seal({ id, key }: SealKey, nonce: Buffer, context: string, payload: unknown, expiresAtMs: number): string {
  const expiry = Buffer.alloc(expiryBytes);
  expiry.writeDoubleBE(expiresAtMs);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(associatedData(id, context));
  const body = [cipher.update(expiry), cipher.update(JSON.stringify(payload)), cipher.final()];
  return Buffer.concat([Buffer.of(version), id, nonce, ...body, cipher.getAuthTag()]).toString("base64url");
}

function open({ id, key }: SealKey, context: string, bytes: Buffer, wallMs: number): unknown {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1 + idBytes, headBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(associatedData(id, context));
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    const plain = Buffer.concat([
      decipher.update(bytes.subarray(headBytes, bytes.length - tagBytes)),
      decipher.final(),
    ]);
    if (wallMs >= plain.readDoubleBE(0)) return undefined;
    return JSON.parse(plain.toString("utf8", expiryBytes)) as unknown;
  } catch {
    return undefined; // the tag does not fit: somebody else's, another context's, or changed
  }
}

function associatedData(id: Buffer, context: string): Buffer {
  return Buffer.concat([Buffer.of(version), id, Buffer.from(context)]);
}

/** Node's decoder skips what it does not know and ignores loose bits: only the one text that encodes to itself is taken. */
function strictDecode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
