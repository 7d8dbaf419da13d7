/**
 * From what a call names (a tool, a prompt, a URI) to the server that has it, the server's own name for it, and the edit that
 * turns one into the other. What does not exist and what the principal may not use look the same.
 */
import type { Watched } from "../../base/watched.ts";
import { type Envelope, memberPaths } from "../../protocol/envelope.ts";
import { JsonRpcCode } from "../../protocol/errors.ts";
import { decodeHeaderValue, headerNames } from "../../protocol/headers.ts";
import type { Edit } from "../../protocol/splice.ts";
import type { Principal } from "../../security/principal.ts";
import { AppTools } from "./app-tools.ts";
import type { Call } from "../calls/call.ts";
import type { Catalog } from "../lists/catalog.ts";
import { nameLengthMax, prefixedName, prefixedUri, splitPrefixed, splitPrefixedUri } from "./exposure.ts";
import type { MergedLists, Owned } from "../lists/merged-list.ts";
import { checkParamHeaders, type ParamProblem, refreshedHeaders } from "./param-check.ts";
import type { ParamHeader } from "../../protocol/param-headers.ts";
import { revisionOf } from "./revision-of.ts";
import type { RoutingTable, ServerRoute } from "./routing-table.ts";
import { seenBy } from "./seen-revisions.ts";
import type { Destination } from "../calls/upstream-leg.ts";

/** May this principal use this server (and tool, by the server's own name)? */
export type MayCall = (principal: Principal, server: string, tool?: string) => boolean;

/**
 * Where a call goes, or the -32602 message that says why it goes nowhere. `unlisted` is what the server's list, as it is known,
 * lacks: it may have come since, so it is unknown only once the list was renewed. `denied` is for the audit alone: what is there
 * but not for this principal.
 */
export type Routed =
  | { readonly kind: "destination"; readonly destination: Destination }
  /** The headers that repeat arguments do not agree with them: HTTP 400. */
  | { readonly kind: "mismatch"; readonly code: ParamProblem["code"]; readonly message: string }
  | {
      readonly kind: "unlisted";
      readonly server: string;
      readonly revision: string | undefined;
      readonly message: string;
    }
  | { readonly kind: "unknown"; readonly message: string; readonly denied?: string };

export interface RouterOptions {
  readonly table: Watched<RoutingTable>;
  readonly lists: MergedLists;
  readonly catalog: Pick<Catalog, "has" | "known" | "wantedHeaders" | "generation">;
  readonly mayCall: MayCall;
}

/** What a call can name, and where it does. */
interface Target {
  readonly what: "tool" | "prompt" | "resource";
  readonly member: "name" | "uri" | "refName" | "refUri";
}

const targets = {
  tools: { what: "tool", member: "name" },
  prompts: { what: "prompt", member: "name" },
  resource: { what: "resource", member: "uri" },
  "ref/prompt": { what: "prompt", member: "refName" },
  "ref/resource": { what: "resource", member: "refUri" },
} as const satisfies Readonly<Record<string, Target>>;

/** Servers named in the message about one that is not clear; the rest are counted. */
const namedMax = 10;
const none: readonly Owned[] = [];
const noHeaders: readonly string[] = [];
const noMethod = "no server is meant";
const unreadableName: Routed = {
  kind: "mismatch",
  code: JsonRpcCode.headerMismatch,
  message: "Header mismatch: Mcp-Name has characters that no header may have, or is not valid Base64 of UTF-8",
};

/** Finds where calls go. */
export class Router {
  readonly #options: RouterOptions;
  readonly #appTools: AppTools;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#appTools = new AppTools(options.catalog, options.table);
  }

  /** For `tools/call` and `prompts/get`. */
  byName(call: Call, member: "tools" | "prompts"): Routed {
    return this.#route(call, targets[member]);
  }

  /** For `resources/read`. */
  byUri(call: Call): Routed {
    return this.#route(call, targets.resource);
  }

  /** For subscriptions, of which one message asks many: who has the resource, when that is clear and the principal may use it. */
  ownerOf(call: Call, uri: string): Owned | undefined {
    const [found, ...others] = this.#callable(call, this.#findUri(call, uri), "resource");
    return others.length > 0 ? undefined : found;
  }

  /** For `completion/complete`: a prompt, or a resource by its URI or template. */
  byRef(call: Call): Routed {
    const type = call.envelope.text("refType");
    if (type === "ref/prompt" || type === "ref/resource") return this.#route(call, targets[type]);
    return { kind: "unknown", message: 'params.ref.type must be "ref/prompt" or "ref/resource"' };
  }

  /**
   * For a method of an extension, whose params nobody here reads: the server whose endpoint it is. On the aggregate nothing says which
   * is meant. The server judges whether the header `Mcp-Name` says what the params say.
   */
  byView(call: Call): Routed {
    const { view, principal } = call;
    const { table, mayCall } = this.#options;
    const route = view.kind === "aggregate" ? undefined : table.current.servers.get(view.server);
    if (route === undefined) return { kind: "unknown", message: noMethod };
    if (!mayCall(principal, route.name)) return { kind: "unknown", message: noMethod, denied: `servers/${route.name}` };
    const name = call.headers[headerNames.name];
    const decoded = typeof name === "string" ? decodeHeaderValue(name) : undefined;
    if (name !== undefined && decoded === undefined) return unreadableName;
    const revision = revisionOf(call, route);
    return { kind: "destination", destination: { route, name: decoded, edits: [], paramHeaders: undefined, revision } };
  }

  #route(call: Call, { what, member }: Target): Routed {
    const text = call.envelope.text(member);
    if (text === undefined) {
      return { kind: "unknown", message: `params.${memberPaths[member].slice(1).join(".")} must be a string` };
    }
    const candidates = what === "resource" ? this.#findUri(call, text) : this.#find(call, text, what);
    const callable = this.#callable(call, candidates, what);
    const [found, ...others] = callable;
    if (found === undefined) return unknown(what, text, candidates);
    if (others.length > 0) return ambiguous(what, text, callable);
    const { name: server } = found.route;
    const revision = revisionOf(call, found.route);
    // Where callers are kept apart, the list that is known is nobody's: only the server can say.
    const isListed = what !== "resource" && found.route.sharing === "shared";
    if (isListed && this.#options.catalog.has(server, `${what}s`, found.original, revision) === false) {
      return { kind: "unlisted", server, revision, message: unknown(what, text, none).message };
    }
    const routed = destination(call.envelope, member, found, text, revision);
    const declared =
      what === "tool" ? this.#options.catalog.wantedHeaders(server, found.original, revision) : undefined;
    return declared === undefined
      ? { kind: "destination", destination: routed }
      : this.#withHeaders(call, routed, declared);
  }

  /** A modern client's headers must say what its arguments say; for a legacy one they are written here. */
  #withHeaders(call: Call, routed: Destination, declared: readonly ParamHeader[]): Routed {
    const args = call.envelope.raw("arguments");
    const problem = checkParamHeaders(declared, args, call.era === "modern" ? call.paramHeaders : undefined);
    if (problem !== undefined) return { kind: "mismatch", ...problem };
    const paramHeaders = call.era === "modern" ? undefined : refreshedHeaders(declared, args, noHeaders);
    return { kind: "destination", destination: { ...routed, paramHeaders } };
  }

  #callable({ principal }: Call, candidates: readonly Owned[], what: Target["what"]): readonly Owned[] {
    const callable: Owned[] = [];
    for (const owned of candidates) {
      const tool = what === "tool" ? owned.original : undefined;
      if (this.#options.mayCall(principal, owned.route.name, tool)) callable.push(owned);
    }
    return callable;
  }

  #find(call: Call, name: string, what: "tool" | "prompt"): readonly Owned[] {
    const table = this.#options.table.current;
    if (call.view.kind === "server") return shownBy(table.servers.get(call.view.server), name, what);
    // A name of full length may have been cut, and then only the lists know what it stands for.
    if (name.length === nameLengthMax) {
      const cut = this.#options.lists.findCut(name, `${what}s`, seenBy(call, table));
      if (cut !== undefined) return [cut];
    }
    const split = splitPrefixed(name);
    const route = split === undefined ? undefined : table.byPrefix.get(split.prefix.toLowerCase());
    // Only URIs may come back in other letters than they were given in.
    if (split !== undefined && route?.exposure.prefix === split.prefix) return shownBy(route, split.rest, what);
    return what === "tool" ? this.#appTools.owners(name, seenBy(call, table)) : none;
  }

  #findUri(call: Call, uri: string): readonly Owned[] {
    const { view, principal } = call;
    const table = this.#options.table.current;
    if (view.kind === "server") {
      const route = table.servers.get(view.server);
      return route === undefined ? none : [{ route, original: uri }];
    }
    const split = splitPrefixedUri(uri);
    const route = split === undefined ? undefined : table.byPrefix.get(split.prefix);
    if (split !== undefined && route !== undefined) return [{ route, original: split.rest }];
    // A URI found in a text, or in a long result, carries no prefix; it is good when exactly one server has it.
    const owners = this.#options.lists.ownersOf(uri, principal, seenBy(call, table));
    return owners.map((owner) => ({ route: owner, original: uri }));
  }
}

function shownBy(route: ServerRoute | undefined, shown: string, what: "tool" | "prompt"): readonly Owned[] {
  const original = what === "tool" ? route?.exposure.originalTool(shown) : shown;
  return route === undefined || original === undefined ? none : [{ route, original }];
}

/** What does not exist, and what is there but not for this principal: said in the same words. */
function unknown(what: Target["what"], text: string, denied: readonly Owned[]): Routed & { kind: "unknown" } {
  const message = `Unknown ${what}: ${text}`;
  const [first] = denied;
  if (first === undefined) return { kind: "unknown", message };
  return { kind: "unknown", message, denied: `servers/${first.route.name}/${what}s/${first.original}` };
}

/** Several servers have it, so that none is chosen; all of them are known to the principal. */
function ambiguous(what: Target["what"], text: string, owners: readonly Owned[]): Routed {
  const named = owners.slice(0, namedMax).map(({ route: { name, exposure } }) => {
    const shown = what === "resource" ? prefixedUri(exposure.prefix, text) : prefixedName(exposure.prefix, text);
    return `${shown} (server "${name}")`;
  });
  const rest = owners.length > named.length ? [`${owners.length - named.length} more`] : [];
  const choices = [...named, ...rest].join(", ");
  return {
    kind: "unknown",
    message: `Ambiguous ${what}: ${text} is offered by several servers; use one of ${choices}`,
  };
}

function destination(
  envelope: Envelope,
  member: Target["member"],
  { route, original }: Owned,
  shown: string,
  revision: string | undefined,
): Destination {
  const edits: readonly Edit[] =
    shown === original
      ? []
      : [{ start: envelope.start(member), end: envelope.end(member), bytes: Buffer.from(JSON.stringify(original)) }];
  const isNamed = member === "name" || member === "uri";
  return { route, name: isNamed ? original : undefined, edits, paramHeaders: undefined, revision };
}
