import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "@mcp-manager/api";
import { signatureOf } from "./signature.ts";
import { bodyOf } from "./template.ts";

const event: Event = {
  topic: "server.failed",
  at: "2027-01-01T00:00:00Z",
  revision: "42",
  server: "weather",
  message: "ready → failed: <!channel> & co",
  severity: "warning",
};

test("raw is the event as it is streamed", () => {
  assert.deepEqual(JSON.parse(bodyOf(event, "raw")), event);
});

test("for Slack it is a text and blocks, in which nobody is called and no link forged", () => {
  const { text, blocks } = JSON.parse(bodyOf(event, "slack")) as { text: string; blocks: readonly { type: string }[] };
  assert.equal(text, ":warning: *weather* ready → failed: &lt;!channel&gt; &amp; co");
  assert.deepEqual(
    blocks.map(({ type }) => type),
    ["section", "context"],
  );
  const long = JSON.parse(bodyOf({ ...event, message: "x".repeat(10_000) }, "slack")) as { text: string };
  assert.ok(long.text.length <= 3_000, "Slack takes no longer text in a block");
});

test("the signature is that of Standard Webhooks", () => {
  // Computed by openssl: printf 'msg_1.1674087231.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<key> -binary | base64
  const whsec = `whsec_${Buffer.from("0123456789abcdef01234567").toString("base64")}`;
  assert.equal(
    signatureOf(whsec, "msg_1", 1_674_087_231, "{}"),
    signatureOf("0123456789abcdef01234567", "msg_1", 1_674_087_231, "{}"),
  );
  assert.equal(signatureOf(whsec, "msg_1", 1_674_087_231, "{}"), "v1,ePb3xdavrPEXjomuxEnQnMntqXVTCnB7ujtjVeAv88A=");
});
