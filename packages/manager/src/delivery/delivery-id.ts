/** Ids of deliveries: what receivers know a repeated one by. */
import { createHash } from "node:crypto";
import type { Event } from "@mcp-manager/api";
import { uuid } from "../base/ids.ts";
import type { Random } from "../base/random.ts";

/**
 * The `webhook-id`. Of an event that follows from the store it is the same however often it is read again, also by another process: the
 * receiver is told by it that it has the event already. An event that is said once gets a random one.
 */
export function deliveryId(receiver: string, event: Event, random: Random): string {
  const { topic, revision, server = "", replica = "", message } = event;
  if (revision === undefined) return `msg_${uuid(random).replaceAll("-", "")}`;
  const identity = JSON.stringify([receiver, revision, topic, server, replica, message]);
  return `msg_${createHash("sha256").update(identity).digest("hex").slice(0, 32)}`;
}
