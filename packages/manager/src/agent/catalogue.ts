/**
 * What one replica offers to clients, asked of it and written down in one spelling, so that two of them can be compared: its protocol
 * version, capabilities, instructions and lists. Two texts are equal when what they say is, whatever order it came in. Left out is what
 * changes without anything being offered otherwise: the version that the server says it has, and of resources their size and when they
 * were last changed. Keeps nothing.
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import { JsonRpcCode } from "../protocol/errors.ts";
import type { ListItem } from "../protocol/list.ts";
import type { ListMember } from "../protocol/methods.ts";
import { asRecord } from "../protocol/server-facts.ts";
import type { CatalogueSpec } from "../registry/kinds.ts";
import type { Connection } from "../transport/connection.ts";
import { refusalOf, sharePages, toldTtlMs } from "../upstream/list-pages.ts";

/** Everything that a replica offers. */
export interface Offer extends Omit<CatalogueSpec, "server"> {
  /** Lists that it declares, and answered with an error that may pass; they are empty here. */
  readonly refused: readonly ListMember[];
}

export interface AskCatalogueOptions {
  readonly connection: Connection;
  /** For messages. */
  readonly server: string;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** A list that somebody else began to fetch at this time or later is as good as one of its own. */
  readonly notBeforeMs: number;
}

/** A longer text is not kept, as it is written in a record: beside its other members it has to fit into one value of the store. */
const textBytesMax = 252 * 1024;
const listMembers: readonly ListMember[] = ["tools", "prompts", "resources", "resourceTemplates"];

/** Asks for every list; rejects when one did not come at all. */
export async function askCatalogue(options: AskCatalogueOptions): Promise<Offer> {
  const { protocolVersion, serverInfo, capabilities, instructions } = options.connection.facts;
  const asked = await Promise.all(listMembers.map((member) => askList(member, options)));
  const lists = Object.fromEntries(asked.map(({ member, items }) => [member, items]));
  const refused = asked.filter(({ mayPass }) => mayPass).map(({ member }) => member);
  const ttlMs = Math.max(...asked.map((list) => list.ttlMs));
  const { version: _, ...self } = serverInfo;
  const text = canonicalJson({ protocolVersion, serverInfo: self, capabilities, instructions, ...lists });
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { digest, ttlMs, refused, ...(Buffer.byteLength(JSON.stringify(text)) > textBytesMax ? {} : { text }) };
}

interface AskedList {
  readonly member: ListMember;
  readonly items: readonly unknown[];
  readonly ttlMs: number;
  readonly mayPass: boolean;
}

/** A list that the server declares and does not have (it knows no such method) is empty. */
async function askList(member: ListMember, options: AskCatalogueOptions): Promise<AskedList> {
  try {
    const { items, ttlMs } = await sharePages({ ...options, member }, options.notBeforeMs);
    const all = items.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((item) => offered(item, member));
    return { member, items: all, ttlMs: all.length === 0 ? 0 : toldTtlMs(ttlMs), mayPass: false };
  } catch (error) {
    const code = refusalOf(error);
    if (code === undefined) throw error;
    return { member, items: [], ttlMs: 0, mayPass: code !== JsonRpcCode.methodNotFound };
  }
}

function offered({ bytes }: ListItem, member: ListMember): unknown {
  const item: unknown = JSON.parse(bytes.toString());
  if (member !== "resources") return item;
  const { size: _size, annotations, ...rest } = asRecord(item) ?? {};
  const { lastModified: _lastModified, ...lasting } = asRecord(annotations) ?? {};
  return { ...rest, ...(Object.keys(lasting).length === 0 ? {} : { annotations: lasting }) };
}
