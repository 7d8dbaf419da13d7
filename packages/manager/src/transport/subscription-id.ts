/**
 * The caller's id in the messages of its `subscriptions/listen` on a shared pipe: there the id of the request is also the subscription's
 * name, in notifications and in the result (2026-07-28, basic/patterns/subscriptions). The caller's spelling comes back, and so its type.
 */
import { type Envelope, subscriptionIdKey } from "../protocol/envelope.ts";
import { memberAt } from "../protocol/json.ts";
import { locateResponse, responseMembers } from "../protocol/response.ts";
import { type Edit, splice } from "../protocol/splice.ts";
import type { OutboundRequest } from "./connection.ts";
import { channelIdAt } from "./remap.ts";

/** Whether a request opens a subscription: it lives until it is cancelled, and what comes for it names it. */
export function isListen(request: OutboundRequest): boolean {
  return request.method === "subscriptions/listen";
}

/** A notification of the subscription that is called `channelId` on the channel, or that cancels it, with the caller's id. */
export function withCallersSubscription(message: Envelope, channelId: number, request: OutboundRequest): Buffer {
  const places = (["requestId", "subscriptionId"] as const).map((member) => ({
    start: message.start(member),
    end: message.end(member),
  }));
  return withCallersIds(message.bytes, places, channelId, request);
}

/** The same for the response that ends it. */
export function withCallersSubscriptionEnd(message: Buffer, channelId: number, request: OutboundRequest): Buffer {
  const id = locateResponse(message);
  const named = memberAt(message, responseMembers(message)?.start("_meta") ?? -1, subscriptionIdKey);
  const places = [
    ...(id === undefined ? [] : [{ start: id.idStart, end: id.idEnd }]),
    ...(named === undefined ? [] : [{ start: named.start, end: named.end }]),
  ];
  return withCallersIds(message, places, channelId, request);
}

function withCallersIds(
  message: Buffer,
  places: readonly Pick<Edit, "start" | "end">[],
  channelId: number,
  request: OutboundRequest,
): Buffer {
  const bytes = request.bytes.subarray(request.idStart, request.idEnd);
  const edits = places
    .filter(({ start, end }) => channelIdAt(message, start, end) === channelId)
    .map((place) => ({ ...place, bytes }));
  return splice(
    message,
    edits.sort((a, b) => a.start - b.start),
  );
}
