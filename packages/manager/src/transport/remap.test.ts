/** Ids and progress tokens on a shared channel: replaced as bytes, in place where that saves a copy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { channelIdAt, messageRoom, outboundBytes, withCallersId, withCallersIdInPlace } from "./remap.ts";
import { outbound, toolCall } from "./testing/calls.ts";

test("the request leaves with the channel's id and token, wherever they stand, and the gateway's edits", () => {
  const texts = [
    '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"_meta":{"progressToken":7},"name":"s__x"}}',
    '{"params":{"name":"s__x","_meta":{"progressToken":"t"}},"method":"tools/call","id":1,"jsonrpc":"2.0"}',
  ];
  for (const text of texts) {
    const bytes = outboundBytes(outbound(text, [["s__x", "x"]]), 42).toString();
    const expected = text.replace(/"id":("a"|1)/, '"id":42').replace(/"progressToken":(7|"t")/, '"progressToken":42');
    assert.equal(bytes, expected.replace("s__x", "x"));
  }
});

test("without a shared channel and without edits the bytes are the caller's own", () => {
  const request = outbound(toolCall("echo"));
  assert.equal(outboundBytes(request, undefined), request.bytes);
});

test("an id of the channel is a number just as the channel writes it, nothing else", () => {
  const at = (text: string): number => channelIdAt(Buffer.from(text), 0, text.length);
  assert.deepEqual([at("1"), at("42"), at("123456789012345")], [1, 42, 123_456_789_012_345]);
  for (const text of ["0", "01", "-1", "1.0", "1e3", '"1"', "null", " 1", "", "1234567890123456"])
    assert.equal(at(text), -1, text);
  assert.equal(channelIdAt(Buffer.from("1"), -1, -1), -1);
});

test("in place or by a copy, the answer is the same, and the room is enough", () => {
  const id = fc.stringMatching(/^[a-z]{0,90}$/).map((text) => `"${text}"`);
  const rest = fc.nat(5_000).map((length) => "r".repeat(length));
  fc.assert(
    fc.property(rest, rest, fc.integer({ min: 1, max: 1e9 }), id, (before, after, channelId, callersId) => {
      const text = `${before}${channelId}${after}`;
      const end = before.length + String(channelId).length;
      const request = outbound(toolCall("x", { id: callersId }));
      const whole = Buffer.alloc(text.length + 2 * messageRoom, "#");
      whole.write(text, messageRoom);
      const message = whole.subarray(messageRoom, messageRoom + text.length);
      const copied = withCallersId(Buffer.from(text), before.length, end, request);
      assert.equal(copied.toString(), `${before}${callersId}${after}`);
      const moved = withCallersIdInPlace(message, before.length, end, request);
      assert.ok(moved.equals(copied));
    }),
    { numRuns: 1_000 },
  );
});
