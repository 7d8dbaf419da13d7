/**
 * One list of one server, fetched whole: every page, from one connection, because a cursor means something only to the replica
 * that gave it. Keeps nothing.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { JsonRpcCode } from "../protocol/errors.ts";
import { type ListItem, scanList } from "../protocol/list.ts";
import type { ListMember } from "../protocol/methods.ts";
import { errorCodeOf } from "../protocol/response.ts";
import type { Connection } from "../transport/connection.ts";
import { ask } from "./ask.ts";
import { declaredHeaders } from "./param-headers.ts";

/** The lists there are, with the method that fetches each, the capability it takes, and the notification that says it changed. */
export const listMethods: Readonly<Record<ListMember, { method: string; capability: string; changed: string }>> = {
  tools: { method: "tools/list", capability: "tools", changed: "notifications/tools/list_changed" },
  prompts: { method: "prompts/list", capability: "prompts", changed: "notifications/prompts/list_changed" },
  resources: { method: "resources/list", capability: "resources", changed: "notifications/resources/list_changed" },
  resourceTemplates: {
    method: "resources/templates/list",
    capability: "resources",
    changed: "notifications/resources/list_changed",
  },
};

/** A whole list. */
export interface WholeList {
  readonly items: readonly ListItem[];
  /** How long the server says it may be kept: the least of its pages. Undefined for servers of the legacy era. */
  readonly ttlMs: number | undefined;
}

export interface PagesOptions {
  readonly connection: Connection;
  /** For messages. */
  readonly server: string;
  readonly member: ListMember;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/** One page may take this long; nobody waits for it but the first callers, for the list deadline. */
const pageTimeoutMs = 30_000;
/** A server that pages for ever is cut off here. */
const pagesMax = 100;
/** Items kept of one list. */
const itemsMax = 20_000;

/** All pages in order, or a rejection when one did not come or is no list. */
export async function fetchPages(options: PagesOptions): Promise<WholeList> {
  const { connection, server, member, clock, wheel } = options;
  const { method, capability } = listMethods[member];
  const items: ListItem[] = [];
  let ttlMs: number | undefined;
  let cursor: string | undefined;
  if (connection.facts.capabilities[capability] === undefined) return { items, ttlMs };
  for (let page = 0; page < pagesMax && items.length < itemsMax; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const nowMs = clock.nowMs();
    const answer = await ask({ connection, server, method, params, timeoutMs: pageTimeoutMs, wheel, nowMs });
    const list = scanList(answer, member);
    if (list === undefined) {
      if (isWithoutTemplates(member, answer)) return { items, ttlMs };
      throw noList(server, method, answer);
    }
    const isChecked = member === "tools" && connection.facts.era === "modern";
    items.push(...(isChecked ? list.items.filter((tool) => declaredHeaders(tool) !== undefined) : list.items));
    if (list.ttlMs !== undefined) ttlMs = Math.min(ttlMs ?? list.ttlMs, list.ttlMs);
    // The same cursor again would give the same page again.
    if (list.nextCursor === undefined || list.nextCursor === cursor) break;
    cursor = list.nextCursor;
  }
  return { items: items.slice(0, itemsMax), ttlMs };
}

/** A server that has resources need not have templates; that it does not know the method is an empty list. */
function isWithoutTemplates(member: ListMember, answer: Buffer): boolean {
  return member === "resourceTemplates" && errorCodeOf(answer) === JsonRpcCode.methodNotFound;
}

function noList(server: string, method: string, answer: Buffer): ManagerError {
  const code = errorCodeOf(answer);
  const what = code === undefined ? "with something that is no list" : `with error ${code}`;
  return new ManagerError("protocol_error", `server "${server}" answered ${method} ${what}`, { server });
}
