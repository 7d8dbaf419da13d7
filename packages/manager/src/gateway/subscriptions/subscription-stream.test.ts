/** How one listen stream ends: by its server, by its client, or because it is read too slowly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrincipal } from "../../security/principal.ts";
import type { Reply, ReplyListener } from "../reply.ts";
import { SubscriptionStream } from "./subscription-stream.ts";

class FakeReply implements Reply {
  listener: ReplyListener | undefined;
  readonly ended = false;
  readonly takesEvents = true;
  readonly address = undefined;
  readonly done: string[] = [];
  isSlow = false;

  notification(): boolean {
    this.done.push("notification");
    return !this.isSlow;
  }

  json(): void {
    this.done.push("result");
  }

  end(): void {
    this.done.push("end");
  }

  keepAlive(): void {
    this.done.push("comment");
  }

  empty(): void {}

  response(): boolean {
    return true;
  }
}

function open(): { reply: FakeReply; stream: SubscriptionStream; over: string[] } {
  const reply = new FakeReply();
  const over: string[] = [];
  const principal = createPrincipal("ada", ["admin"], "api-key");
  const stream = new SubscriptionStream({
    view: { kind: "aggregate" },
    principal,
    caller: { principal, clientName: undefined, header: () => undefined },
    bound: undefined,
    revisions: new Map(),
    id: Buffer.from("1"),
    reply,
    lists: ["tools"],
    onOver: () => over.push("over"),
  });
  stream.acknowledge({ lists: ["tools"], uris: [] });
  return { reply, stream, over };
}

test("G15 only kinds that were asked for are written, and nothing after the result", () => {
  const { reply, stream, over } = open();
  stream.listChanged("prompts");
  stream.listChanged("tools");
  stream.keepAlive();
  stream.end();
  stream.end();
  stream.listChanged("tools");
  assert.deepEqual(reply.done, ["notification", "notification", "comment", "result"]);
  assert.deepEqual(over, ["over"]);
});

test("a client that reads too slowly is let go", () => {
  const { reply, stream, over } = open();
  reply.isSlow = true;
  stream.listChanged("tools");
  stream.listChanged("tools");
  assert.deepEqual(reply.done, ["notification", "notification", "end"]);
  assert.deepEqual(over, ["over"]);
});

test("a client that went away is written nothing more", () => {
  const { reply, stream, over } = open();
  reply.listener?.onClientGone();
  stream.listChanged("tools");
  stream.end();
  assert.deepEqual(reply.done, ["notification"]);
  assert.deepEqual(over, ["over"]);
});
