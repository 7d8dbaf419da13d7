/** Pages of lists that are sorted otherwise than the registry keeps them. */
import type { List } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { OperationRequest } from "../request.ts";
import { integer, text } from "../request.ts";

/** Items on a page unless the caller says otherwise. */
export const pageItemsDefault = 100;

interface Named {
  readonly metadata: { readonly name: string };
}

/** The page that the request asks for. A cursor names the last item of the page before; it survives changes elsewhere. */
export function pageOf<Item extends Named>(items: readonly Item[], request: OperationRequest): List<Item> {
  const limit = integer(request, "limit", pageItemsDefault);
  const start = startOf(items, text(request, "cursor"));
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  const isMore = last !== undefined && start + limit < items.length;
  return isMore ? { items: page, nextCursor: Buffer.from(last.metadata.name).toString("base64url") } : { items: page };
}

function startOf(items: readonly Named[], cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const name = Buffer.from(cursor, "base64url").toString();
  const index = items.findIndex(({ metadata }) => metadata.name === name);
  if (index >= 0) return index + 1;
  throw new ManagerError("invalid_argument", "the page that cursor points to is gone: start again without cursor", {
    fields: [
      { path: "?cursor", given: JSON.stringify(cursor.slice(0, 60)), expected: "the nextCursor of a page just read" },
    ],
  });
}
