/** Short random ids for things people see (replicas, uids). Lower-case letters and digits, no vowels: no words by accident. */
import type { Random } from "./random.ts";

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters, about 4.75 bits each. */
export function shortId(random: Random, length: number): string {
  return Array.from(random.bytes(length), (byte) => alphabet[byte % alphabet.length]).join("");
}

/** A random UUID-shaped identifier (RFC 9562, version 4). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
