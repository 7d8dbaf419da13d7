/**
 * Arbitrary messages of MCP as text: requests and notifications with any of the routed members, responses in every spelling,
 * and bytes that are nearly messages. Most are valid, so that what comes after the scan is exercised too.
 */
import fc from "fast-check";
import { type MemberName, memberPaths } from "../envelope.ts";
import { methodNames } from "../methods.ts";
import {
  documentText,
  integerText,
  memberText,
  objectOf,
  objectText,
  spelled,
  stringText,
  valueText,
} from "./json-texts.ts";

/** Now and then something else than what belongs there. */
function mostly(usual: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: valueText });
}

const idText: fc.Arbitrary<string> = fc.oneof(integerText, stringText);
const methodText: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...methodNames).chain(spelled), stringText);
const versionText: fc.Arbitrary<string> = mostly(spelled("2.0"));

function member(name: MemberName, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return memberText(spelled(memberPaths[name].at(-1) ?? ""), value);
}

/** Some of the members, in any order, among others that nobody looks for; rarely one twice. */
function someOf(members: readonly fc.Arbitrary<string>[]): fc.Arbitrary<readonly string[]> {
  const picked = fc.subarray([...members]).chain((some) => fc.tuple(...some).map((texts) => [...texts]));
  const extra = fc.oneof(
    { weight: 8, arbitrary: fc.constant<string[]>([]) },
    { weight: 2, arbitrary: fc.array(memberText(stringText, valueText), { maxLength: 2 }) },
    { weight: 1, arbitrary: members[0] === undefined ? fc.constant([]) : fc.tuple(members[0]) },
  );
  return fc
    .tuple(picked, extra)
    .chain(([a, b]) => fc.shuffledSubarray([...a, ...b], { minLength: a.length + b.length }));
}

function under(path: string): MemberName[] {
  return (Object.keys(memberPaths) as MemberName[]).filter((name) => memberPaths[name].slice(0, -1).join() === path);
}

const metaText = objectOf(someOf(under("params,_meta").map((name) => member(name, valueText))));
const refText = objectOf(someOf(under("params,ref").map((name) => member(name, stringText))));
const paramsText = objectOf(
  someOf(
    under("params").map((name) =>
      member(name, name === "meta" ? mostly(metaText) : name === "ref" ? mostly(refText) : valueText),
    ),
  ),
);

function message(members: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  const odd = fc.oneof(
    { weight: 20, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.tuple(member("result", valueText)) },
    { weight: 1, arbitrary: fc.tuple(member("error", valueText)) },
    { weight: 1, arbitrary: fc.tuple(member("id", integerText)) },
  );
  return objectOf(
    fc
      .tuple(fc.tuple(...members), odd)
      .chain(([texts, more]) => fc.shuffledSubarray([...texts, ...more], { minLength: texts.length + more.length })),
  );
}

/** A request; nearly always a valid one. */
export const requestText: fc.Arbitrary<string> = message([
  member("jsonrpc", versionText),
  member("id", mostly(idText)),
  member("method", mostly(methodText)),
  member("params", mostly(paramsText)),
]);

const notificationText: fc.Arbitrary<string> = message([
  member("jsonrpc", versionText),
  member("method", methodText),
  member("params", paramsText),
]);

/** A `result` with some of the members that somebody looks for. */
export const resultText: fc.Arbitrary<string> = objectOf(
  someOf([
    memberText(spelled("resultType"), fc.constantFrom('"complete"', '"input_required"', '"task"', "1")),
    memberText(spelled("isError"), fc.constantFrom("true", "false", "1")),
    memberText(spelled("ttlMs"), integerText),
    memberText(spelled("cacheScope"), fc.constantFrom('"public"', '"private"')),
    memberText(spelled("nextCursor"), stringText),
    memberText(spelled("_meta"), objectText),
    memberText(spelled("tools"), valueText),
  ]),
);

const errorText: fc.Arbitrary<string> = objectOf(
  someOf([
    memberText(spelled("code"), fc.constantFrom("-32002", "-32601", "-32602", "1.5", '"x"')),
    memberText(spelled("message"), stringText),
    memberText(spelled("data"), valueText),
  ]),
);

const longText: fc.Arbitrary<string> = fc
  .tuple(stringText, fc.integer({ min: 300, max: 900 }))
  .map(([text, times]) => `"${text.slice(1, -1).repeat(times)}"`);

/** A result that makes its message short, or longer than what is read whole. */
const anyResult: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: resultText },
  { weight: 1, arbitrary: valueText },
  { weight: 3, arbitrary: objectOf(fc.tuple(memberText(stringText, longText), memberText(stringText, valueText))) },
);

/** `{"jsonrpc":"2.0","id":1,"result":…}` and its like: members in an order that servers use, sometimes one more at the end. */
const usualResponse: fc.Arbitrary<string> = fc
  .record({
    id: fc.oneof(integerText, stringText),
    body: fc.oneof(
      { weight: 4, arbitrary: anyResult.map((text) => `"result":${text}`) },
      { weight: 1, arbitrary: errorText.map((text) => `"error":${text}`) },
    ),
    idLast: fc.boolean(),
    more: fc.oneof(
      { weight: 3, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: member("id", integerText).map((text) => `,${text}`) },
      { weight: 1, arbitrary: memberText(stringText, valueText).map((text) => `,${text}`) },
    ),
  })
  .map(({ id, body, idLast, more }) =>
    idLast ? `{${body}${more},"jsonrpc":"2.0","id":${id}}` : `{"jsonrpc":"2.0","id":${id},${body}${more}}`,
  );

/** A response, short or long, in a usual or an unusual spelling, with an id that comes once, twice or not at all. */
export const responseText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: usualResponse },
  {
    weight: 1,
    arbitrary: message([
      member("jsonrpc", versionText),
      member("id", mostly(idText)),
      fc.oneof(member("result", anyResult), member("error", errorText)),
    ]),
  },
);

/** Any message. */
export const messageText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: requestText },
  { weight: 1, arbitrary: notificationText },
  { weight: 1, arbitrary: responseText },
);

type Change = (bytes: Buffer) => Buffer;

/** One change to bytes: a place as a fraction of the length, and what happens there. */
const change: fc.Arbitrary<Change> = fc
  .tuple(
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    fc.constantFrom("replace", "insert", "remove", "cut", "repeat"),
    fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0, 0x1f, 0x22, 0x5c, 0x7b, 0x7d, 0x2c, 0x80, 0xc3, 0xed, 0xf4),
    ),
  )
  .map(([place, what, byte]) => (bytes) => {
    const at = Math.floor(place * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (what) {
      case "replace":
        return Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
      case "insert":
        return Buffer.concat([before, Buffer.of(byte), after]);
      case "remove":
        return Buffer.concat([before, after.subarray(1)]);
      case "cut":
        return before;
      case "repeat":
        return Buffer.concat([before, after.subarray(0, 9), after]);
    }
  });

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** What may arrive where a message is expected: messages, any JSON, either of them damaged, and noise. */
export const arrivingBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 6, arbitrary: messageText.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: documentText.map((text) => Buffer.from(text)) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(messageText, fc.array(change, { minLength: 1, maxLength: 3 }))
      .map(([text, changes]) => changes.reduce<Buffer>((bytes, apply) => apply(bytes), Buffer.from(text))),
  },
  { weight: 1, arbitrary: documentText.map((text) => Buffer.concat([byteOrderMark, Buffer.from(text)])) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
);
