/** What an endpoint shows, and the question that decides who sees it. */
import type { Principal } from "../security/principal.ts";

/** Which servers an endpoint shows: all, prefixed, or one under its own names, of which a preview shows one `revision`. */
export type View =
  | { readonly kind: "aggregate" }
  | { readonly kind: "server"; readonly server: string; readonly revision?: string };

/** A revision and whose it is. */
export interface Bound {
  readonly server: string;
  readonly revision: string;
}

/** May this principal see this server and tool? `tool` is the server's own name. */
export type MaySee = (principal: Principal, server: string, tool?: string) => boolean;

/** The key of the aggregate; no server is called so. */
export const aggregateKey = "*";

/** A view in a word, as it is written in its path. */
export function viewKey(view: View): string {
  if (view.kind === "aggregate") return aggregateKey;
  return view.revision === undefined ? view.server : `${view.server}@${view.revision}`;
}

/** The revision that the view of this word shows; undefined: as each caller is assigned. */
export function revisionOfKey(key: string): string | undefined {
  const at = key.indexOf("@");
  return at < 0 ? undefined : key.slice(at + 1);
}

/** The server in a view's word; of the aggregate, its word. */
export function serverOfKey(key: string): string {
  const at = key.indexOf("@");
  return at < 0 ? key : key.slice(0, at);
}
