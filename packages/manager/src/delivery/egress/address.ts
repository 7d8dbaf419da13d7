/** IP addresses and blocks of them, as numbers that can be compared. Pure; it knows no address's meaning. */
import { isIPv4, isIPv6 } from "node:net";

/** One address. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** All addresses of a family from `first` to `last`. */
export interface Block {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Undefined for whatever is no plain address; one with a zone (`fe80::1%eth0`) is none. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: fromParts(text.split("."), 10, 8n) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return { family: 6, value: fromParts(groupsOf(withoutDots(text)), 16, 16n) };
}

/** A block (`10.0.0.0/8`), or one address as a block of its own; undefined for anything else, bits beyond the mask included. */
export function parseBlock(text: string): Block | undefined {
  const [start = "", bits, ...rest] = text.split("/");
  const address = parseAddress(start);
  if (address === undefined || rest.length > 0) return undefined;
  const width = address.family === 4 ? 32 : 128;
  if (bits !== undefined && !/^[0-9]{1,3}$/.test(bits)) return undefined;
  const length = bits === undefined ? width : Number(bits);
  if (length > width) return undefined;
  const mask = (1n << BigInt(width - length)) - 1n;
  if ((address.value & mask) !== 0n) return undefined;
  return { family: address.family, first: address.value, last: address.value | mask };
}

/** Whether the block holds the address. */
export function holds(block: Block, { family, value }: Address): boolean {
  return block.family === family && value >= block.first && value <= block.last;
}

/** `::ffff:10.0.0.1` → `::ffff:a00:1`. */
function withoutDots(text: string): string {
  const start = text.lastIndexOf(":") + 1;
  const tail = text.slice(start);
  if (!tail.includes(".")) return text;
  const value = fromParts(tail.split("."), 10, 8n);
  return `${text.slice(0, start)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

/** All eight groups, those behind `::` filled in. */
function groupsOf(text: string): readonly string[] {
  const [head = "", tail] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return before;
  const after = tail === "" ? [] : tail.split(":");
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

function fromParts(parts: readonly string[], radix: number, bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(Number.parseInt(part, radix)), 0n);
}
