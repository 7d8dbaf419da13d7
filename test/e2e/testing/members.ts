/** Several principals on one manager, as tests of what is whose use them: clients of the legacy era with a session each. */
import { EventReader } from "../../../packages/manager/src/gateway/testing/event-reader.ts";
import type { ManagerProcess } from "./manager.ts";
import { initialize, type InitializeOptions, post, request, type Wire } from "./mcp.ts";

/** A session and whose it is. */
export interface Member {
  readonly key: string;
  readonly session: string;
  readonly path: string;
}

/** The key of a new principal that may call everything. */
export async function keyOf(manager: ManagerProcess, name: string): Promise<string> {
  return (await manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } })).key;
}

/** A new session of a principal on a server's own endpoint. */
export async function join(
  manager: ManagerProcess,
  key: string,
  server: string,
  options: InitializeOptions = {},
): Promise<Member> {
  const path = `/servers/${server}/mcp`;
  return { key, path, session: await initialize(manager, { ...options, key, path }) };
}

/** Calls a tool, and resolves with what its text says; undefined for an error. */
export async function tell(manager: ManagerProcess, member: Member, name: string, item?: string): Promise<unknown> {
  const args = item === undefined ? {} : { item };
  return said(await request(manager, member.session, "tools/call", { name, arguments: args }, member));
}

/** Begins a call whose messages are read one by one. Every client calls it 1. */
export async function begin(
  manager: ManagerProcess,
  member: Member,
  name: string,
  args: object = {},
): Promise<EventReader> {
  const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
  return new EventReader(await post(manager, call, member));
}

/** What the text of an answer says. */
export function said(wire: Pick<Wire, "json">): unknown {
  const [content] = (wire.json().result?.["content"] ?? []) as readonly { readonly text: string }[];
  return content === undefined ? undefined : JSON.parse(content.text);
}

/** A request without a body. */
export function empty(
  manager: ManagerProcess,
  method: string,
  member: Member,
  lastEventId?: string,
): Promise<Response> {
  return fetch(manager.url + member.path, {
    method,
    headers: {
      accept: "text/event-stream",
      authorization: `Bearer ${member.key}`,
      "mcp-session-id": member.session,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
  });
}
