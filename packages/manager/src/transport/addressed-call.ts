/**
 * A call in flight, as one that may be spoken to: what its caller wrote, and who hears what comes for it. How it is carried and when
 * it is over are its transport's.
 */
import type { Envelope } from "../protocol/envelope.ts";
import type { OutboundRequest, ReplySink } from "./connection.ts";
import { withCallersToken } from "./remap.ts";
import { isListen } from "./subscription-id.ts";

export abstract class AddressedCall {
  readonly request: OutboundRequest;
  protected readonly sink: ReplySink;

  constructor(request: OutboundRequest, sink: ReplySink) {
    this.request = request;
    this.sink = sink;
  }

  get wantsProgress(): boolean {
    return this.request.progressTokenStart >= 0;
  }

  /** Modern: it is a `subscriptions/listen`, and what names no call is not its. */
  get isSubscription(): boolean {
    return isListen(this.request);
  }

  /** What its subscription is told, and that the server has ended it. */
  abstract subscribed(message: Envelope): void;

  /** A progress notification whose token stands at [start, end). */
  progress(message: Buffer, start: number, end: number): void {
    this.sink.onNotification(withCallersToken(message, start, end, this.request), "notifications/progress");
  }

  /** A notification that names no call. */
  notified(message: Buffer, method: string): void {
    this.sink.onNotification(message, method);
  }

  /** A question of the server's; false when its caller takes none. */
  ask(question: Envelope): boolean {
    if (this.sink.onRequest === undefined) return false;
    this.sink.onRequest(question);
    return true;
  }
}
