/**
 * From what a call names (a tool, a prompt, a URI) to the server that has it, the server's own name for it, and the edit that
 * turns one into the other. What does not exist and what the principal may not use look the same.
 */
import type { Watched } from "../base/watched.ts";
import type { Envelope } from "../protocol/envelope.ts";
import type { Edit } from "../protocol/splice.ts";
import type { Principal } from "../security/principal.ts";
import type { Call } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import { nameLengthMax, splitPrefixed, splitPrefixedUri } from "./exposure.ts";
import type { Destination } from "./forward.ts";
import type { MergedLists, Owned } from "./merged-list.ts";
import type { RoutingTable, ServerRoute } from "./routing-table.ts";

/** May this principal use this server (and tool, by the server's own name)? */
export type MayCall = (principal: Principal, server: string, tool?: string) => boolean;

/**
 * Where a call goes, or the -32602 message that says why it goes nowhere. `unlisted` is what the server's list, as it is known,
 * lacks: it may have come since, so it is unknown only once the list was renewed. `denied` is for the audit alone: what is there
 * but not for this principal.
 */
export type Routed =
  | { readonly kind: "destination"; readonly destination: Destination }
  | { readonly kind: "unlisted"; readonly server: string; readonly message: string }
  | { readonly kind: "unknown"; readonly message: string; readonly denied?: string };

export interface RouterOptions {
  readonly table: Watched<RoutingTable>;
  readonly lists: MergedLists;
  readonly catalog: Pick<Catalog, "has">;
  readonly mayCall: MayCall;
}

/** Finds where calls go. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** For `tools/call` and `prompts/get`. */
  byName(call: Call, member: "tools" | "prompts"): Routed {
    const name = call.envelope.text("name");
    const what = member === "tools" ? "tool" : "prompt";
    if (name === undefined) return { kind: "unknown", message: `params.name must be a string that names a ${what}` };
    const found = this.#find(call, name, member);
    if (found === undefined) return { kind: "unknown", message: `Unknown ${what}: ${name}` };
    if (!this.#options.mayCall(call.principal, found.route.name, member === "tools" ? found.original : undefined)) {
      const denied = `servers/${found.route.name}/${member}/${found.original}`;
      return { kind: "unknown", message: `Unknown ${what}: ${name}`, denied };
    }
    if (this.#options.catalog.has(found.route.name, member, found.original) === false) {
      return { kind: "unlisted", server: found.route.name, message: `Unknown ${what}: ${name}` };
    }
    const routed = destination(call.envelope, "name", found.route, name, found.original);
    if (member === "prompts" || call.era === "modern") return { kind: "destination", destination: routed };
    const args = call.envelope.raw("arguments");
    const paramHeaders = this.#options.lists.paramHeaders(found.route.name, found.original, args);
    return { kind: "destination", destination: { ...routed, paramHeaders } };
  }

  /** For `resources/read`. */
  byUri(call: Call): Routed {
    const uri = call.envelope.text("uri");
    if (uri === undefined) return { kind: "unknown", message: "params.uri must be a string" };
    const found = this.#findUri(call, uri);
    const message = `Unknown resource: ${uri}`;
    if (found === undefined) return { kind: "unknown", message };
    if (!this.#options.mayCall(call.principal, found.route.name)) {
      return { kind: "unknown", message, denied: `servers/${found.route.name}/resources/${found.original}` };
    }
    const routed = destination(call.envelope, "uri", found.route, uri, found.original);
    return { kind: "destination", destination: routed };
  }

  #find(call: Call, name: string, member: "tools" | "prompts"): Owned | undefined {
    const table = this.#options.table.current;
    if (call.view.kind === "server") {
      const route = table.servers.get(call.view.server);
      const original = route === undefined ? undefined : originalName(route, name, member);
      return route === undefined || original === undefined ? undefined : { route, original };
    }
    // A name of full length may have been cut, and then only the lists know what it stands for.
    if (name.length === nameLengthMax) {
      const cut = this.#options.lists.findCut(name, member);
      if (cut !== undefined) return cut;
    }
    const split = splitPrefixed(name);
    const route = split === undefined ? undefined : table.byPrefix.get(split.prefix);
    if (split === undefined || route === undefined) return undefined;
    const original = originalName(route, split.rest, member);
    return original === undefined ? undefined : { route, original };
  }

  #findUri(call: Call, uri: string): Owned | undefined {
    const table = this.#options.table.current;
    if (call.view.kind === "server") {
      const route = table.servers.get(call.view.server);
      return route === undefined ? undefined : { route, original: uri };
    }
    const split = splitPrefixedUri(uri);
    const route = split === undefined ? undefined : table.byPrefix.get(split.prefix);
    if (split !== undefined && route !== undefined) return { route, original: split.rest };
    // A URI found inside a result carries no prefix; it is good when exactly one server has it.
    const owner = this.#options.lists.ownerOf(uri, call.principal);
    return owner === undefined ? undefined : { route: owner, original: uri };
  }
}

function originalName(route: ServerRoute, shown: string, member: "tools" | "prompts"): string | undefined {
  return member === "tools" ? route.exposure.originalTool(shown) : shown;
}

function destination(
  envelope: Envelope,
  member: "name" | "uri",
  route: ServerRoute,
  shown: string,
  original: string,
): Destination {
  const edits: readonly Edit[] =
    shown === original
      ? []
      : [{ start: envelope.start(member), end: envelope.end(member), bytes: Buffer.from(JSON.stringify(original)) }];
  return { route, name: original, edits, paramHeaders: undefined };
}
