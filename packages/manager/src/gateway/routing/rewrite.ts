/**
 * The URIs in what a server sends, as clients of the aggregate are to read them: each link gets the server's prefix, so that what
 * a client follows comes back to the server it came from. Everything else stays byte-equal. Pure; where links stand is known in
 * `protocol/links.ts`, how they are spelled in `exposure.ts`.
 */
import { stringAt } from "../../protocol/json.ts";
import { linksInNotification, linksInResult, linksInTool } from "../../protocol/links.ts";
import type { Range } from "../../protocol/response.ts";
import { type Edit, splice } from "../../protocol/splice.ts";
import { prefixedUri } from "./exposure.ts";

/** A server as its list of resources is known. An object, not a function: that would be made anew for each call. */
export interface ListingServer {
  lists(uri: string): boolean;
}

const listsAll: ListingServer = { lists: () => true };

/**
 * A whole response to `method` with its links under `prefix`; the very same buffer when it has none. A link into the web stays one
 * that the client can open by itself, unless the server lists it as a resource of its own.
 */
export function rewriteResult(
  method: string,
  response: Buffer,
  prefix: string,
  server: ListingServer = listsAll,
): Buffer {
  const all = linksInResult(method, response);
  if (all.length === 0) return response;
  const links = all.filter(({ start, end }) => {
    const uri = stringAt(response, start, end) ?? "";
    return !/^https?:/i.test(uri) || server.lists(uri);
  });
  return splice(response, edits(response, links, prefix));
}

/** A notification of `method` with its links under `prefix`; the very same buffer when it has none. */
export function rewriteNotification(method: string, message: Buffer, prefix: string): Buffer {
  return splice(message, edits(message, linksInNotification(method, message), prefix));
}

/** What changes in one item of `tools/list`. Sorted. */
export function toolLinkEdits(tool: Buffer, prefix: string): readonly Edit[] {
  return edits(tool, linksInTool(tool), prefix);
}

function edits(bytes: Buffer, links: readonly Range[], prefix: string): readonly Edit[] {
  return links.map(({ start, end }) => {
    const uri = stringAt(bytes, start, end) ?? "";
    return { start, end, bytes: Buffer.from(JSON.stringify(prefixedUri(prefix, uri))) };
  });
}
