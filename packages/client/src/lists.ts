/** Lists of resources: one page, or all of them page by page. */
import type { List } from "@mcp-manager/api";
import type { CallOptions, Connection } from "./connection.ts";
import { queryOf } from "./connection.ts";

/** A page of a list. */
export interface ListQuery extends CallOptions {
  /** Items on the page, at most 1000. Default 100. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** A page of a list whose items carry labels. */
export interface LabelledListQuery extends ListQuery {
  /** Only resources that carry all of these. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The page that is asked for. */
export function listOf<Item>(connection: Connection, path: string, query: LabelledListQuery): Promise<List<Item>> {
  const { signal, labels, ...page } = query;
  const pairs = Object.entries(labels ?? {}).map(([label, value]) => `${label}=${value}`);
  const parameters = queryOf({ ...page, labels: pairs.length === 0 ? undefined : pairs.join(",") });
  return connection.json({ method: "GET", path: path + parameters, ...(signal === undefined ? {} : { signal }) });
}

/** Every item; a page is asked for when the one before is used up. */
export async function* allOf<Item>(
  page: (query: { readonly cursor?: string }) => Promise<List<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let list = await page({});
  yield* list.items;
  while (list.nextCursor !== undefined) {
    list = await page({ cursor: list.nextCursor });
    yield* list.items;
  }
}
