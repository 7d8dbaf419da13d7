import assert from "node:assert/strict";
import { test } from "node:test";
import { clientProfile, noProfile, profileOfKey } from "./client-profile.ts";

function profile(capabilities: unknown): string {
  return clientProfile(Buffer.from(JSON.stringify(capabilities))).key;
}

test("clients that can be asked the same have one text, however they spell it", () => {
  const one = profile({ sampling: { tools: {}, context: {} }, elicitation: { url: {}, form: {} } });
  assert.equal(one, '{"elicitation":{"form":{},"url":{}},"sampling":{"context":{},"tools":{}}}');
  assert.equal(
    profile({ elicitation: { form: {}, url: {} }, sampling: { context: {}, tools: {} }, experimental: {} }),
    one,
  );
  assert.equal(profileOfKey(one).key, one);
});

test("changes of roots have nobody to be told to, so only that there are roots is kept", () => {
  assert.equal(profile({ roots: { listChanged: true } }), '{"roots":{}}');
});

test("what says nothing that can be asked, or is too long to travel, is no profile", () => {
  for (const none of [{}, [], "x", null, { elicitation: true }, { tasks: {} }, { sampling: { x: "y".repeat(3_000) } }])
    assert.equal(clientProfile(Buffer.from(JSON.stringify(none))), noProfile);
  assert.equal(clientProfile(undefined), noProfile);
});
