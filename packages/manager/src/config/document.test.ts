import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocuments } from "./document.ts";
import { fieldText, parseField } from "./field-path.ts";
import { blankComments } from "./jsonc.ts";
import { load, refusal } from "./testing/load-text.ts";

test("a syntax error names the place, says what it is and shows the line", () => {
  const yaml = "servers:\n  weather:\n    command: npx: y\n";
  assert.equal(
    refusal(() => load(yaml)).message,
    [
      "servers.yaml:3:14: there is a second colon: quote the text, or begin a new line",
      "  3 |     command: npx: y",
      "    |              ^",
    ].join("\n"),
  );
  const json = '{\n  "mcpServers": {\n    "a": { "command": "x" }\n    "b": { "command": "y" }\n  }\n}';
  assert.match(
    refusal(() => load(json, { path: "mcp.json" })).message,
    /^mcp\.json:4:\d+: .*comma.*\n {2}4 \| {5}"b": /,
  );
});

test("common slips are told apart", () => {
  const words = (text: string): string => refusal(() => load(text)).message.split("\n")[0] ?? "";
  assert.match(words("a:\n\t- b"), /:2:1: a tab in the indentation/);
  assert.match(words("port: 1\nport: 2"), /:2:1: this name is there twice/);
  assert.match(words('host: "x\n'), /a quote, bracket, comma or colon is missing/);
  assert.match(words("host: [a\nb: 1"), /a bracket is not closed/);
  assert.equal(
    words("port: 1\nhost: *hunter2"),
    "servers.yaml:2:7: no anchor (&name) has this name: quote text that begins with *",
  );
});

test("the line that is shown hides what may be secret", () => {
  for (const text of [
    "servers:\n  a:\n    env:\n      ANY: hunter2: x\n",
    "servers:\n  a:\n    args:\n    - hunter2: x: y\n",
    '{"mcpServers": {"a": {"args": [\n  "x", "hunter2": "y": "z"]}}}',
    'servers: { a: { command: x, headers: { H: "hunter2 } } }',
    "token: hunter2: x",
    '{"mcpServers": {"a": {"env": {"A": "hunter2" "B": "x"}}}}',
    "note: abcdefghijhunter2klmnop: x",
  ]) {
    const { message } = refusal(() => load(text));
    assert.match(message, /\|.*\*\*/);
    assert.doesNotMatch(message, /hunter2/);
  }
});

test("a line that no person wrote is not shown", () => {
  const { message } = refusal(() => load(`{"a": "${"x".repeat(500)}" "b": 1}`, { path: "mcp.json" }));
  assert.match(message, /^mcp\.json:1:\d+: [^\n]*$/);
});

test("an alias bomb is refused", () => {
  const levels = Array.from({ length: 8 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`);
  const error = refusal(() => load(`l0: &l0 [x]\n${levels.join("\n")}`));
  assert.match(error.message, /aliases .* stand for too much/);
});

test("a byte order mark and Windows line ends change nothing", () => {
  const [document] = parseDocuments("a.yaml", "\uFEFFa: 1\r\nb:\r\n  c: 2\r\n");
  assert.deepEqual(document?.value, { a: 1, b: { c: 2 } });
  assert.deepEqual(document?.positionOf(["b", "c"]), { line: 3, column: 3 });
});

test("a field that is not there is placed at its nearest parent", () => {
  const [document] = parseDocuments("a.yaml", "a:\n  - b: 1\n  - c: 2\n");
  assert.deepEqual(document?.positionOf(["a", 1, "d", "e"]), { line: 3, column: 5 });
  assert.deepEqual(document?.positionOf(["z"]), { line: 1, column: 1 });
});

test("blanking comments leaves every JSON text as it is, and every other character in its place", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 4 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.equal(blankComments(text), text);
      const commented = `/* " */${text}// "end`;
      assert.equal(blankComments(commented), `       ${text}       `);
    }),
  );
});

test("JSON is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom<string | number>("\t", 0, 2),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const [document] = parseDocuments("a.json", text);
        assert.deepEqual(JSON.stringify(document?.value), JSON.stringify(JSON.parse(text)));
      },
    ),
  );
});

test("a path survives being written as text", () => {
  const key = fc.oneof(fc.nat(300), fc.string());
  fc.assert(
    fc.property(fc.array(key, { minLength: 1 }), (path) => assert.deepEqual(parseField(fieldText(path)), path)),
  );
});
