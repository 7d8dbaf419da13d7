/** What the setting `egress.allow` says: names, addresses and blocks to which webhooks may go although they are not public. Pure. */
import { type Address, type Block, holds, parseAddress, parseBlock } from "./address.ts";

/** One entry. Without a port it holds for all of them. */
export type AllowEntry =
  | { readonly kind: "name"; readonly host: string; readonly port: number | undefined }
  | { readonly kind: "block"; readonly block: Block; readonly port: number | undefined };

const namePattern = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** `hooks.internal`, `localhost:9000`, `10.1.0.0/16`, `192.168.1.4:8080`, `[::1]:8080`; undefined for anything else. */
export function parseAllowEntry(text: string): AllowEntry | undefined {
  const whole = parseBlock(text);
  if (whole !== undefined) return { kind: "block", block: whole, port: undefined };
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = hostName(bracketed ?? plain ?? "");
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  const block = parseBlock(host);
  if (block !== undefined) return { kind: "block", block, port };
  // A name that ends in a number is an address that is spelled wrong.
  if (bracketed !== undefined || !namePattern.test(host) || /(?:^|\.)[0-9]+$/.test(host)) return undefined;
  return { kind: "name", host, port };
}

/** As names are compared: small letters, no dot at the end. */
export function hostName(text: string): string {
  return text.toLowerCase().replace(/\.$/, "");
}

/** The entries of a setting that was checked. */
export class AllowList {
  readonly #entries: readonly AllowEntry[];

  constructor(texts: readonly string[]) {
    this.#entries = texts.flatMap((text) => parseAllowEntry(text) ?? []);
  }

  /** Whether this host is named, whatever addresses it has. */
  names(host: string, port: number): boolean {
    return this.#entries.some((entry) => entry.kind === "name" && entry.host === host && isPort(entry, port));
  }

  /** Whether this address is named, alone or in a block. */
  holds(address: Address, port: number): boolean {
    return this.#entries.some((entry) => entry.kind === "block" && holds(entry.block, address) && isPort(entry, port));
  }

  /** Whether a host's addresses could decide: without blocks only its name can. */
  get hasBlocks(): boolean {
    return this.#entries.some(({ kind }) => kind === "block");
  }
}

function isPort(entry: AllowEntry, port: number): boolean {
  return entry.port === undefined || entry.port === port;
}

/** The address that a URL's host spells, if it is none of a name. */
export function literalAddress(url: URL): Address | undefined {
  return parseAddress(url.hostname.replace(/^\[|\]$/g, ""));
}
