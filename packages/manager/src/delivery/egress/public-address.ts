/**
 * Which addresses are of the public internet. Everything else leads to this machine, its network or its cloud's own services, where a
 * webhook has no business unless somebody said so. Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses.
 */
import { type Address, type Block, holds, parseBlock } from "./address.ts";

const refusedBlocks = table([
  ["0.0.0.0/8", "this machine"],
  ["10.0.0.0/8", "a private network"],
  ["100.64.0.0/10", "a carrier's network"],
  ["127.0.0.0/8", "this machine"],
  ["168.63.129.16", "a cloud's own service"],
  ["169.254.0.0/16", "link-local, where clouds keep their metadata"],
  ["172.16.0.0/12", "a private network"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "for documentation"],
  ["192.88.99.0/24", "reserved"],
  ["192.168.0.0/16", "a private network"],
  ["198.18.0.0/15", "for benchmarks"],
  ["198.51.100.0/24", "for documentation"],
  ["203.0.113.0/24", "for documentation"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
  ["::", "this machine"],
  ["::1", "this machine"],
  ["64:ff9b:1::/48", "a private network"],
  // Teredo's (2001::/32) among them.
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "for documentation"],
  ["3fff::/20", "for documentation"],
  ["fc00::/7", "a private network"],
  ["fe80::/10", "link-local"],
  ["ff00::/8", "multicast"],
]);

/** All that was given out for the public so far. */
const [globalUnicast] = table([["2000::/3", ""]]);

/** Addresses of IPv6 in which one of IPv4 stands, as so many bits from the end: who sends there reaches that one. */
const embedding = table([
  ["::ffff:0:0/96", "0"],
  ["64:ff9b::/96", "0"],
  ["2002::/16", "80"],
]);

/** What the address is, when it is not of the public internet; undefined when it is. */
export function notPublic(address: Address): string | undefined {
  const inner = embedding.find(({ block }) => holds(block, address));
  if (inner !== undefined) {
    const value = (address.value >> BigInt(inner.word)) & 0xffff_ffffn;
    return notPublic({ family: 4, value });
  }
  const refused = refusedBlocks.find(({ block }) => holds(block, address));
  if (refused !== undefined) return refused.word;
  const isGlobal = address.family === 4 || (globalUnicast !== undefined && holds(globalUnicast.block, address));
  return isGlobal ? undefined : "reserved";
}

interface Row {
  readonly block: Block;
  readonly word: string;
}

function table(rows: readonly (readonly [string, string])[]): readonly Row[] {
  return rows.flatMap(([text, word]) => {
    const block = parseBlock(text);
    return block === undefined ? [] : [{ block, word }];
  });
}
