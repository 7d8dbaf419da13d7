/**
 * The methods of the protocol as data: in which era each exists, which way it goes, what routes it. Nothing is decided here.
 * Source: schema.ts of the specification's revisions 2025-11-25 and 2026-07-28. Extensions' methods (tasks, …) are not in it.
 */
import type { Era } from "./era.ts";

/** The member of a list result that holds the items. */
export type ListMember = "tools" | "prompts" | "resources" | "resourceTemplates";

/** One row of the table. */
export interface MethodInfo {
  readonly method: string;
  readonly eras: readonly Era[];
  readonly kind: "request" | "notification";
  /** Who sends it as a message of its own. */
  readonly from: "client" | "server" | "either";
  /**
   * What says where a client's message goes: the name or URI in `params` (`tool`, `prompt`, `resource`), `params.ref`; `gateway`
   * answers it itself, from what it knows or by asking many; `none` belongs to another message or stream.
   */
  readonly routedBy: "tool" | "prompt" | "resource" | "ref" | "none" | "gateway";
  /** Lists only. */
  readonly listMember?: ListMember;
  /** The member of `params` that header `Mcp-Name` repeats (modern era). */
  readonly headerNameFrom?: "name" | "uri";
  /** Whether its modern result carries `ttlMs` and `cacheScope` (specification 2026-07-28, server/utilities/caching). */
  readonly cacheable?: true;
}

const both: readonly Era[] = ["legacy", "modern"];
const legacy: readonly Era[] = ["legacy"];
const modern: readonly Era[] = ["modern"];

function request(method: string, eras: readonly Era[], routedBy: MethodInfo["routedBy"]): MethodInfo {
  return { method, eras, kind: "request", from: "client", routedBy };
}

function list(method: string, listMember: ListMember): MethodInfo {
  return { ...request(method, both, "gateway"), listMember, cacheable: true };
}

function asked(method: string): MethodInfo {
  return { method, eras: legacy, kind: "request", from: "server", routedBy: "none" };
}

function notification(method: string, eras: readonly Era[], from: MethodInfo["from"]): MethodInfo {
  return { method, eras, kind: "notification", from, routedBy: "none" };
}

/** Every method of both eras. */
const methods: readonly MethodInfo[] = [
  request("initialize", legacy, "gateway"),
  { ...request("ping", legacy, "gateway"), from: "either" },
  { ...request("server/discover", modern, "gateway"), cacheable: true },
  list("tools/list", "tools"),
  { ...request("tools/call", both, "tool"), headerNameFrom: "name" },
  list("prompts/list", "prompts"),
  { ...request("prompts/get", both, "prompt"), headerNameFrom: "name" },
  list("resources/list", "resources"),
  list("resources/templates/list", "resourceTemplates"),
  { ...request("resources/read", both, "resource"), headerNameFrom: "uri", cacheable: true },
  request("resources/subscribe", legacy, "resource"),
  request("resources/unsubscribe", legacy, "resource"),
  request("completion/complete", both, "ref"),
  request("logging/setLevel", legacy, "gateway"),
  request("subscriptions/listen", modern, "gateway"),
  asked("sampling/createMessage"),
  asked("elicitation/create"),
  asked("roots/list"),
  notification("notifications/initialized", legacy, "client"),
  notification("notifications/roots/list_changed", legacy, "client"),
  // On stdio only in the modern era, where the client closes the stream over HTTP.
  notification("notifications/cancelled", both, "either"),
  notification("notifications/progress", both, "either"),
  notification("notifications/message", both, "server"),
  notification("notifications/tools/list_changed", both, "server"),
  notification("notifications/prompts/list_changed", both, "server"),
  notification("notifications/resources/list_changed", both, "server"),
  notification("notifications/resources/updated", both, "server"),
  notification("notifications/subscriptions/acknowledged", modern, "server"),
  notification("notifications/elicitation/complete", legacy, "server"),
];

const byName = new Map(methods.map((info) => [info.method, info]));

/** The names of all methods in the table. */
export const methodNames: readonly string[] = methods.map((info) => info.method);

/** What is known of `method`; undefined for one that neither era's core has. */
export function methodInfo(method: string): MethodInfo | undefined {
  return byName.get(method);
}

/** Whether an extension may have given a method this name: no revision has it, and a header can carry it as it is. */
export function mayBeExtension(method: string): boolean {
  return !byName.has(method) && /^[\w.$/-]{1,128}$/.test(method);
}
