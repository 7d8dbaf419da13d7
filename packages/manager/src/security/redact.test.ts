import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../base/random.ts";
import { mintKey } from "./api-key.ts";
import { createRedact, redact, redacted } from "./redact.ts";

test("the usual forms of secrets are masked, and what is around them stays", () => {
  const key = mintKey(seededRandom(1)).key;
  const cases: readonly (readonly [string, string])[] = [
    [`started with ${key}.`, `started with ${redacted}.`],
    ["Authorization: Bearer abcdef123456", `Authorization: Bearer ${redacted}`],
    ["authorization: basic dXNlcjpwYXNz", `authorization: basic ${redacted}`],
    ["ghp_0123456789abcdefghijABCDEFGHIJ012345 used", `${redacted} used`],
    ["key sk-proj-0123456789abcdefghij", `key ${redacted}`],
    ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123 end", `jwt ${redacted} end`],
    ["postgres://app:hunter22@db:5432/x", `postgres://app:${redacted}@db:5432/x`],
    ['{"password": "hunter22", "user":"u"}', `{"password": "${redacted}", "user":"u"}`],
    ["API_KEY=abcdef123456 node x", `API_KEY=${redacted} node x`],
    ["client_secret: abcdef123456", `client_secret: ${redacted}`],
    ["AKIAIOSFODNN7EXAMPLE", redacted],
  ];
  for (const [text, expected] of cases) assert.equal(redact(text), expected);
});

test("ordinary text is left alone", () => {
  const texts = [
    "GET /servers/weather/mcp 200 in 12ms",
    "listening on http://127.0.0.1:8080/mcp",
    "the token has expired",
    "password must not be empty",
    "file:///srv/data/2026-11-24T10:00:00Z.log",
    "user@example.com wrote",
  ];
  for (const text of texts) assert.equal(redact(text), text);
});

test("known values are masked wherever they stand, the longer one first; very short ones are not", () => {
  const mask = createRedact(["s3cr3t-value", "s3cr3t-value-and-more", "ab"]);
  assert.equal(mask("x=s3cr3t-value-and-more y=s3cr3t-value, ab"), `x=${redacted} y=${redacted}, ab`);
});

test("a value of several lines is masked line by line too, as servers print it", () => {
  const mask = createRedact(["first-line\nsecond-line\r\nend"]);
  assert.equal(mask("it is first-line"), `it is ${redacted}`);
  assert.equal(mask("second-line the end"), `${redacted} the end`);
});

test("a line of JSON stays JSON", () => {
  const secretish = fc.constantFrom(
    "password=",
    "Bearer ",
    "token: ",
    "a://b:c@",
    "mcpm_a_",
    '"secret":"',
    "eyJabcdefgh.",
    "-----BEGIN PRIVATE KEY-----",
  );
  const text = fc.array(fc.oneof(secretish, fc.string()), { maxLength: 6 }).map((parts) => parts.join(""));
  const property = fc.property(fc.dictionary(fc.string(), text), (fields) => {
    const shown: unknown = JSON.parse(redact(JSON.stringify(fields)));
    assert.equal(typeof shown, "object");
  });
  fc.assert(property, { numRuns: 1_000 });
});

test("long hostile text is masked in time that grows with its length alone", () => {
  const pieces = ["password=", "Bearer ", "a://", ":", "eyJ", "-----BEGIN ", "mcpm_", "token ", "=", " ".repeat(50)];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(200_000 / piece.length));
    assert.ok(redact(text).length <= text.length * 2);
  }
});
