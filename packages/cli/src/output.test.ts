import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { parse } from "yaml";
import type { Format, Table } from "./output.ts";
import { Printer, printable, printableText } from "./output.ts";
import type { Terminal } from "./testing/terminal.ts";
import { terminalIo } from "./testing/terminal.ts";

function printed(does: (print: Printer) => void, terminal: Terminal = {}, format: Format = "table"): string {
  const { io, written } = terminalIo(terminal);
  does(new Printer(io, format));
  return written().stdout;
}

const message = "initialize: the process exited with status 3 before it answered";
const table: Table = {
  head: ["NAME", "STATE", "WHY"],
  rows: [
    ["weather", { text: "ready", colour: "green" }, "-"],
    ["x", { text: "failed", colour: "red" }, message],
  ],
  empty: "nothing",
};

test("in a pipe a table is aligned, whole and without colours", () => {
  const lines = ["NAME     STATE   WHY", "weather  ready   -", `x        failed  ${message}`];
  assert.equal(
    printed((print) => print.table(table)),
    `${lines.join("\n")}\n`,
  );
});

test("in a terminal the last column is cut to its width", () => {
  const lines = printed((print) => print.table(table), { columns: 40, env: { NO_COLOR: "1" } }).split("\n");
  assert.equal(lines[2], "x        failed  initialize: the proces…");
  assert.equal(lines[2]?.length, 40);
});

test("in a terminal a message may take several lines, below each other", () => {
  const text = printed((print) => print.table({ ...table, fit: "wrap" }), { columns: 44, env: { NO_COLOR: "1" } });
  const wrapped = ["initialize: the process", "exited with status 3 before", "it answered"];
  assert.ok(text.endsWith(`x        failed  ${wrapped.join(`\n${" ".repeat(17)}`)}\n`), text);
});

test("colours are for terminals that want them, and do not move columns", () => {
  const plain = printed((print) => print.table(table));
  const coloured = printed((print) => print.table(table), { columns: 100 });
  assert.ok(coloured.includes("\u001B[31mfailed\u001B[0m"));
  assert.equal(stripVTControlCharacters(coloured), plain);
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
    assert.equal(
      printed((print) => print.table(table), { columns: 100, env }),
      plain,
    );
  }
});

test("an empty table is a note on stderr, so that a pipe gets nothing", () => {
  const { io, written } = terminalIo();
  new Printer(io, "table").table({ ...table, rows: [] });
  assert.deepEqual(written(), { stdout: "", stderr: "nothing\n" });
});

test("fields are aligned, and long values hang in a terminal", () => {
  const fields = (print: Printer): void =>
    print.fields([
      ["Name", "x"],
      ["Last failure", message],
    ]);
  assert.equal(printed(fields), `Name:          x\nLast failure:  ${message}\n`);
  assert.match(printed(fields, { columns: 40 }), /\n {15}\S/);
});

test("results are JSON or YAML for programs", () => {
  const data = { name: "x", text: `${"long ".repeat(40)}end`, no: "no", list: [1, { a: null }] };
  const shown = (format: Format): string => printed((print) => print.result(data, () => undefined), {}, format);
  assert.deepEqual(JSON.parse(shown("json")), data);
  assert.deepEqual(parse(shown("yaml")), data);
});

test("what servers wrote cannot drive the terminal", () => {
  assert.equal(printable("\u001B[32mready\u001B[0m\n  on \u0007port\u202E 3"), "ready on �port� 3");
  assert.equal(printableText("\u001B[2J\ta\n  b\r\u0000"), "\ta\n  b��");
  const { io, written } = terminalIo();
  new Printer(io, "table").note("  not read: \u001B[2J\u009Ba\u202E");
  assert.equal(written().stderr, "  not read: �a�\n");
  const data = { "a\u009B31m": "b\u001B[2J\u202E\u007F", plain: "ä\n\t" };
  for (const [format, read] of [
    ["json", (json: string): unknown => JSON.parse(json)],
    ["yaml", (yaml: string): unknown => parse(yaml)],
  ] as const) {
    const text = printed((print) => print.result(data, () => undefined), {}, format);
    assert.equal(printableText(text), text);
    assert.deepEqual(read(text), data);
  }
});
