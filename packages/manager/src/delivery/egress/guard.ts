/**
 * Decides where webhooks may go: to the public internet over https, and to what `egress.allow` names. A name is resolved once for each
 * request, and the request then goes to the addresses that were judged and nowhere else, so nobody can answer one thing to the check and
 * another to the connection. It opens no connection itself.
 */
import { parseAddress } from "./address.ts";
import { AllowList, hostName, literalAddress } from "./allow-list.ts";
import { notPublic } from "./public-address.ts";

/** Looks names up. */
export interface Resolver {
  /** Every address of a host; rejects when there is none. */
  addresses(host: string): Promise<readonly string[]>;
}

/** What may become of a request. */
export type Admitted =
  | { readonly kind: "allowed"; readonly addresses: readonly string[] }
  /** In words, with what to do. */
  | { readonly kind: "refused"; readonly message: string };

/** A name with more addresses than that is up to something. */
const addressesMax = 32;

export class EgressGuard {
  readonly #allow: AllowList;
  readonly #resolver: Resolver;

  /** `allow` is the setting `egress.allow`. */
  constructor(allow: readonly string[], resolver: Resolver) {
    this.#allow = new AllowList(allow);
    this.#resolver = resolver;
  }

  /** What speaks against a URL whatever its name resolves to; undefined when nothing does. For saying so when it is written. */
  objection(url: URL): string | undefined {
    const { host, port, isNamed } = this.#target(url);
    if (url.protocol !== "https:" && url.protocol !== "http:") return `${url.protocol} is neither https: nor http:`;
    if (isNamed) return undefined;
    const literal = literalAddress(url);
    if (literal !== undefined) return this.#against(url, [url.hostname.replace(/^\[|\]$/g, "")]);
    if (host === "localhost" || host.endsWith(".localhost")) return this.#refusal(host, port, "this machine");
    if (url.protocol === "http:" && !this.#allow.hasBlocks) return this.#unencrypted(host, port);
    return undefined;
  }

  /** Resolves the URL's host, once, and judges every address. Rejects with the resolver's error. */
  async admit(url: URL): Promise<Admitted> {
    const objection = this.objection(url);
    if (objection !== undefined) return { kind: "refused", message: objection };
    const { host, isNamed } = this.#target(url);
    const addresses =
      literalAddress(url) === undefined ? await this.#resolver.addresses(host) : [host.replace(/^\[|\]$/g, "")];
    if (addresses.length === 0 || addresses.length > addressesMax)
      return { kind: "refused", message: `${host} has ${addresses.length} addresses` };
    const against = isNamed ? undefined : this.#against(url, addresses);
    return against === undefined ? { kind: "allowed", addresses } : { kind: "refused", message: against };
  }

  /** One bad address is enough: which of them a connection would go to is chance. */
  #against(url: URL, addresses: readonly string[]): string | undefined {
    const { host, port } = this.#target(url);
    for (const text of addresses) {
      const address = parseAddress(text);
      if (address === undefined) return this.#refusal(host, port, "no plain address");
      if (this.#allow.holds(address, port)) continue;
      if (url.protocol === "http:") return this.#unencrypted(host, port);
      const what = notPublic(address);
      if (what !== undefined) return this.#refusal(host, port, what);
    }
    return undefined;
  }

  #target(url: URL): { readonly host: string; readonly port: number; readonly isNamed: boolean } {
    const host = hostName(url.hostname);
    const port = url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port);
    return { host, port, isNamed: this.#allow.names(host, port) };
  }

  /** Says what the address is, and not which: who may write a webhook need not learn the names of the network inside. */
  #refusal(host: string, port: number, what: string): string {
    return `${host} leads to an address that is not public (${what}): if that is meant, add ${host}:${port} to the setting egress.allow`;
  }

  #unencrypted(host: string, port: number): string {
    return `${host} would be reached without encryption: use https, or add ${host}:${port} to the setting egress.allow`;
  }
}
