import assert from "node:assert/strict";
import { test } from "node:test";
import type { Terminal } from "./testing/terminal.ts";
import { terminalIo } from "./testing/terminal.ts";
import { canRedraw, cellsOf, LiveArea } from "./live.ts";

/** What stands in the window after each of `frames` was drawn, and what was written for it. */
function drawn(
  terminal: Terminal,
  ...frames: readonly (readonly string[])[]
): { readonly window: string; readonly written: string } {
  const { io, written } = terminalIo(terminal);
  const area = new LiveArea(io);
  for (const frame of frames) area.draw(frame);
  const { stdout } = written();
  return { window: windowOf(stdout, io.columns), written: stdout };
}

/** The rows of a window of that width: knows line ends, wrapping, going up, and clearing what is below. */
function windowOf(text: string, columns: number): string {
  const rows = [""];
  let row = 0;
  // oxlint-disable-next-line no-control-regex
  for (const part of text.match(/\u001b\[\??\d*\w|\n|\r|[^\u001b\n\r]+/g) ?? []) {
    // oxlint-disable-next-line no-control-regex
    const [, count, what] = /^\u001b\[(\d*)([AJ])$/.exec(part) ?? [];
    if (what === "A") row -= Number(count);
    else if (what === "J") rows.splice(row, rows.length, "");
    else if (part === "\n") rows[(row += 1)] ??= "";
    else if (!part.startsWith("\u001b") && part !== "\r") {
      const pieces = part.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [];
      for (const [index, piece] of pieces.entries()) rows[index === 0 ? row : (row += 1)] = piece;
    }
  }
  return rows.join("\n");
}

test("a frame takes the place of the one before, whichever is longer", () => {
  const { window } = drawn({ columns: 20 }, ["one", "two", "three"], ["1"], ["eins", "zwei"]);
  assert.equal(window, "eins\nzwei\n");
});

test("lines that take several rows are counted as such", () => {
  const long = "x".repeat(25);
  assert.equal(drawn({ columns: 10 }, [long, "y".repeat(10), ""], ["a", "b"]).window, "a\nb\n");
});

test("the same frame again writes nothing", () => {
  const once = drawn({ columns: 20 }, ["one"]).written;
  assert.equal(drawn({ columns: 20 }, ["one"], ["one"]).written, once);
});

test("a low window gets the beginning, and how much is missing", () => {
  const lines = ["1", "2", "3", "4", "5", "6"];
  const { window } = drawn({ columns: 40, rows: 4 }, lines, lines.toReversed());
  assert.equal(window, "6\n5\n… 4 more lines in a higher window\n");
});

test("cells are counted as terminals draw them", () => {
  assert.equal(cellsOf("plain"), 5);
  assert.equal(cellsOf("\u001b[31mred\u001b[0m"), 3);
  assert.equal(cellsOf("a → b"), 5);
  assert.equal(cellsOf("日本"), 4);
  assert.equal(cellsOf("🌦️!"), 3);
});

test("only a terminal that can go up is drawn in", () => {
  assert.equal(canRedraw(terminalIo({ columns: 80 }).io), true);
  assert.equal(canRedraw(terminalIo({ columns: 80, env: { TERM: "dumb" } }).io), false);
  assert.equal(canRedraw(terminalIo().io), false);
});
