/**
 * Arbitrary JSON as text, in every spelling the grammar allows: white space anywhere, escapes in keys and strings, keys that
 * come twice, numbers no double holds, lone surrogates. Texts are valid; what breaks them is in `messages.ts`.
 */
import fc from "fast-check";

const space: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom(" ", "\n", "\r\n", "\t", " \t\n\r ", "        ") },
);

/** One character of a string as written. */
const written: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).map((c) => JSON.stringify(c).slice(1, -1)),
  },
  { weight: 2, arbitrary: fc.constantFrom("{", "}", "[", "]", ":", ",", " ", "/", "é", "𝄞", "\u007f", "\u2028") },
  { weight: 1, arbitrary: fc.constantFrom('\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000") },
  { weight: 1, arbitrary: fc.constantFrom("\\ud834", "\\uDD1E", "\\ud834\\udd1e", "\\u00e9", "\\uFFFF", "\\ufeff") },
);

/** Texts in a string that look like the members a reader searches for. */
const hostile: fc.Arbitrary<string> = fc.constantFrom(
  '","id":1,"x":"',
  '{"jsonrpc":"2.0","id":7,"result":{}}',
  ',"jsonrpc":"2.0","id":9}',
  '"id":',
  '"isError":true',
  '"resultType":"input_required"',
  '\\"id\\":3',
  '},"id":4',
);

/** A string with its quotes. */
export const stringText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.array(written, { maxLength: 12 }).map((parts) => `"${parts.join("")}"`) },
  { weight: 1, arbitrary: hostile.map((text) => JSON.stringify(text)) },
);

/** `text` as a string with its quotes, some of its characters escaped, in digits of either case. */
export function spelled(text: string): fc.Arbitrary<string> {
  const characters = text.split("").map((character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    const plain = JSON.stringify(character).slice(1, -1);
    const odd = [`\\u${code}`, `\\u${code.toUpperCase()}`, ...(character === "/" ? ["\\/"] : [])];
    return fc.oneof({ weight: 30, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
  });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(JSON.stringify(text)) },
    { weight: 1, arbitrary: fc.tuple(...characters).map((parts) => `"${parts.join("")}"`) },
  );
}

export const integerText: fc.Arbitrary<string> = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom("0", "-0", "9007199254740993", "-1", "123456789012345678901234567890"),
);

export const numberText: fc.Arbitrary<string> = fc.oneof(
  integerText,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom("1e400", "-1E-400", "0.10", "1.0", "0e0", "1E+2", `${"9".repeat(400)}.5`, "-0.0e-0"),
);

const scalarText: fc.Arbitrary<string> = fc.oneof(stringText, numberText, fc.constantFrom("true", "false", "null"));

/** Keys that somebody might stumble over. */
const keyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("id", "method", "params", "name", "_meta", "result", "__proto__", "constructor", "").chain(spelled),
  stringText,
);

/** A member as written: key, colon and value, with white space around them. */
export function memberText(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, key, space, space, value, space).map(([a, k, b, c, v, d]) => `${a}${k}${b}:${c}${v}${d}`);
}

/** An object of members in the order given. */
export function objectOf(members: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> {
  return fc.tuple(members, space).map(([texts, a]) => `{${texts.length === 0 ? a : texts.join(",")}}`);
}

function arrayOf(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const elements = fc.array(fc.tuple(space, element, space), { maxLength: 4 });
  return fc
    .tuple(elements, space)
    .map(([all, a]) => `[${all.length === 0 ? a : all.map((e) => e.join("")).join(",")}]`);
}

/** `value` inside `count` arrays or objects. */
export function nested(value: string, count: number, objects: boolean): string {
  return objects
    ? `${'{"a":'.repeat(count)}${value}${"}".repeat(count)}`
    : `${"[".repeat(count)}${value}${"]".repeat(count)}`;
}

/** Any JSON value as text; members of objects may come twice. */
export const valueText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => {
  const element = tie("value");
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 4, arbitrary: scalarText },
      { weight: 1, arbitrary: arrayOf(element) },
      { weight: 2, arbitrary: objectOf(fc.array(memberText(keyText, element), { maxLength: 4 })) },
    ),
  };
}).value;

/** Objects only. */
export const objectText: fc.Arbitrary<string> = objectOf(
  fc.array(memberText(keyText, valueText), { minLength: 0, maxLength: 5 }),
);

/** A JSON text with white space around it, sometimes deep. */
export const documentText: fc.Arbitrary<string> = fc
  .tuple(
    space,
    valueText,
    fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 126, max: 130 })),
    fc.boolean(),
    space,
  )
  .map(([before, value, depth, objects, after]) => `${before}${nested(value, depth, objects)}${after}`);
