/** G4: headers and arguments that have to agree. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHeaderValue } from "../../protocol/headers.ts";
import { headersFor } from "../../protocol/param-headers.ts";
import { checkParamHeaders, refreshedHeaders } from "./param-check.ts";

const region = { header: "Mcp-Param-Region", path: ["region"] };
const zone = { header: "Mcp-Param-Zone", path: ["at", "zone"] };

function check(
  args: string | undefined,
  headers: readonly string[] | undefined,
  declared = [region],
): string | undefined {
  const problem = checkParamHeaders(declared, args === undefined ? undefined : Buffer.from(args), headers);
  return problem === undefined ? undefined : `${problem.code} ${problem.message}`;
}

const mismatch = (text: string): string => `-32020 Header mismatch: Mcp-Param-Region ${text}`;
const differs = mismatch("does not match params.arguments.region");
const missing = mismatch("is missing, though params.arguments.region is given");
const unexpected = mismatch("is given, though params.arguments.region has no value for it");

test("G4 a header that says what the argument says is right, in whatever spelling", () => {
  const right: readonly (readonly [string, string])[] = [
    ['{"region":"eu"}', "eu"],
    ['{"r\\u0065gion":"e\\u0075"}', "eu"],
    ['{"region":"é"}', "=?base64?w6k=?="],
    ['{"region":"eu"}', "=?base64?ZXU=?="],
    ['{"region":"=?base64?x?="}', encodeHeaderValue("=?base64?x?=")],
    ['{"region":""}', ""],
    ['{"region":42}', "42"],
    ['{"region":42}', "42.0"],
    ['{"region":42.0}', "42"],
    ['{"region":4.2e1}', "42"],
    ['{"region":9007199254740993}', "9007199254740993"],
    ['{"region":true}', "true"],
    [' {"x":[{"region":1}],"region":false}', "false"],
  ];
  for (const [args, header] of right) assert.equal(check(args, ["mcp-PARAM-region", header]), undefined, args + header);
});

test("G4 a header that says something else, or nothing, is a mismatch", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['{"region":"eu"}', "us"],
    ['{"region":"eu"}', "EU"],
    ['{"region":"42"}', "42.0"],
    ['{"region":42}', "43"],
    ['{"region":42}', "0x2A"],
    ['{"region":42}', ""],
    ['{"region":9007199254740993}', "9007199254740992"],
    ['{"region":true}', "True"],
    ['{"region":true}', "1"],
  ];
  for (const [args, header] of wrong) assert.equal(check(args, ["Mcp-Param-Region", header]), differs, args + header);
  const unreadable = mismatch("has characters that no header may have, or is not valid Base64 of UTF-8");
  for (const header of ["\u00e9", "=?base64?!!?=", "=?base64?/w==?="])
    assert.equal(check('{"region":"eu"}', ["Mcp-Param-Region", header]), unreadable, header);
  assert.equal(
    check('{"region":"eu"}', ["Mcp-Param-Region", "eu", "mcp-param-region", "eu"]),
    mismatch("comes more than once"),
  );
});

test("G4 a value needs its header; what has no value must have none", () => {
  for (const args of ['{"region":"eu"}', '{"region":0}', '{"region":false}']) assert.equal(check(args, []), missing);
  for (const args of [
    undefined,
    "{}",
    '{"region":null}',
    '{"region":{}}',
    '{"region":["eu"]}',
    "[]",
    '{"x":{"region":1}}',
  ]) {
    assert.equal(check(args, []), undefined, String(args));
    assert.equal(check(args, ["Mcp-Param-Region", "eu"]), unexpected, String(args));
  }
});

test("G4 headers that the tool does not declare are nobody's business; a tool without declarations costs nothing", () => {
  assert.equal(check('{"region":"eu"}', ["Mcp-Param-Region", "eu", "Mcp-Param-Other", "x"]), undefined);
  for (const declared of [undefined, []])
    assert.equal(checkParamHeaders(declared, Buffer.from("never read"), ["Mcp-Param-Region", "eu"]), undefined);
});

test("G4 a declared argument that comes twice on its way is refused, whoever calls", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"region":"eu","region":"us"}', "-32602 params.arguments.region comes twice"],
    ['{"region":"eu","r\\u0065gion":"eu"}', "-32602 params.arguments.region comes twice"],
    ['{"at":{"zone":1},"at":{}}', "-32602 params.arguments.at comes twice"],
    ['{"at":{"zone":1,"zone":1}}', "-32602 params.arguments.at.zone comes twice"],
  ];
  for (const [args, expected] of cases) {
    assert.equal(check(args, ["Mcp-Param-Region", "eu"], [region, zone]), expected);
    assert.equal(check(args, undefined, [region, zone]), expected);
  }
  assert.equal(check('{"other":1,"other":2,"region":"eu"}', undefined), undefined);
});

test("G4 what the manager itself writes for arguments passes its own check", () => {
  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.string(),
    fc.constantFrom("é", " padded ", "\n", "=?base64?YQ==?=", "\u{1f600}", "42.0"),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("region", "other"), value), value, (some, deep) => {
      const declared = [region, zone];
      const text = JSON.stringify({ ...some, at: { zone: deep } });
      assert.equal(check(text, headersFor(declared, JSON.parse(text) as unknown), declared), undefined);
    }),
  );
});

test("G5 after a renewal the declared headers are written anew, and the client's others stay", () => {
  const args = Buffer.from('{"region":"eu","at":{"zone":3}}');
  const sent = ["mcp-param-region", "stale", "Mcp-Param-Own", "x"];
  assert.deepEqual(refreshedHeaders([region, zone], args, sent), [
    "Mcp-Param-Own",
    "x",
    "Mcp-Param-Region",
    "eu",
    "Mcp-Param-Zone",
    "3",
  ]);
  assert.deepEqual(refreshedHeaders([region], undefined, sent), ["Mcp-Param-Own", "x"]);
  assert.deepEqual(refreshedHeaders(undefined, args, sent), sent);
});
