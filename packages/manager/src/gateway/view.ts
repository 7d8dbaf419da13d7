/** What an endpoint shows, and the question that decides who sees it. */
import type { Principal } from "../security/principal.ts";

/** Which servers an endpoint shows: all, prefixed, or one under its own names. */
export type View = { readonly kind: "aggregate" } | { readonly kind: "server"; readonly server: string };

/** May this principal see this server and tool? `tool` is the server's own name. */
export type MaySee = (principal: Principal, server: string, tool?: string) => boolean;

/** The key of the aggregate; no server is called so. */
export const aggregateKey = "*";

/** A view in a word. */
export function viewKey(view: View): string {
  return view.kind === "aggregate" ? aggregateKey : view.server;
}
