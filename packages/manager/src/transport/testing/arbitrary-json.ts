/** JSON texts as other programs write them: every number format, every escape, white space, members that come twice. */
import fc from "fast-check";

const number = fc.oneof(
  fc.constantFrom("0", "-0", "1.0", "1e5", "1E+2", "0.1e-7", "12345678901234567890123", "-9007199254740993", "1.10"),
  fc.maxSafeInteger().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

const piece = fc.oneof(
  fc.constantFrom(
    "\\u0041",
    "\\/",
    "\\n",
    "\\ud83d\\ude00",
    "\\\\",
    '\\"',
    "é",
    "\u{1f600}",
    "\u2028",
    '\\"id\\":1',
    "}",
  ),
  fc.stringMatching(/^[ a-zA-Z0-9_{}[\]:,]{0,12}$/),
);
const string = fc.array(piece, { maxLength: 6 }).map((pieces) => `"${pieces.join("")}"`);
const filler = fc.integer({ min: 0, max: 9_000 }).map((length) => `"${"y".repeat(length)}"`);
const key = fc.oneof(string, fc.constantFrom('"id"', '"jsonrpc"', '"result"', '"error"', '"a"', '"__proto__"'));
const space = fc.constantFrom("", "", " ", "\t", "  ");

/** A value; nothing in it is a line end. */
export const jsonValue: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    number,
    string,
    fc.constantFrom("null", "true", "false", "[]", "{}"),
    filler,
    fc
      .tuple(fc.array(tie("value"), { maxLength: 4 }), space)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    fc
      .tuple(fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }), space)
      .map(([members, gap]) => `{${members.map(([name, value]) => `${gap}${name}:${gap}${value}`).join(",")}${gap}}`),
  ),
})).value;
