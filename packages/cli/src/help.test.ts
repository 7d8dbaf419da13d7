import assert from "node:assert/strict";
import { test } from "node:test";
import { operations } from "@mcp-manager/api";
import { commands } from "./commands.ts";
import { helpFor } from "./help.ts";
import { commandLinesOf } from "./testing/command-lines.ts";
import { parseCommandLine } from "./usage.ts";

for (const command of commands) {
  const line = command.words.join(" ");

  test(`help for "${line}" says what it does, its options and an example`, () => {
    const text = helpFor(commands, command.words, 100);
    assert.ok(text.startsWith(command.summary.slice(0, 40)));
    assert.match(text, new RegExp(`^Usage: mcp-manager ${line}`, "m"));
    for (const name of Object.keys(command.options ?? {})) assert.ok(text.includes(`--${name}`), name);
    for (const example of command.examples) assert.ok(text.includes(`  ${example}\n`), example);
    assert.ok(command.examples.length > 0);
    assert.doesNotMatch(command.summary, /\.$/);
  });

  test(`the examples of "${line}" are commands that there are`, () => {
    for (const example of command.examples) {
      const lines = commandLinesOf(example);
      assert.ok(lines.length > 0, example);
      const parsed = lines.map((words) => parseCommandLine(commands, words));
      assert.ok(
        parsed.some((one) => one.kind === "run" && one.command === command),
        example,
      );
    }
  });
}

test("help lists every command, and of a noun its own", () => {
  const all = helpFor(commands, [], 100);
  const ofServer = helpFor(commands, ["server"], 100);
  for (const { words } of commands) {
    assert.ok(all.includes(`\n  ${words.join(" ")}`));
    assert.equal(ofServer.includes(`\n  ${words.join(" ")}`), words[0] === "server");
  }
});

test("help fits a terminal of 80 columns, but for lines that are to be copied", () => {
  for (const words of [[], ["server"], ...commands.map((command) => command.words)]) {
    const lines = helpFor(commands, words, 80).split("\n");
    const long = lines.filter((line) => line.length > 80 && !line.startsWith("  mcp-manager "));
    assert.deepEqual(long, [], words.join(" "));
  }
});

test("every operation that names a command has it", () => {
  const known = new Set(commands.map(({ words }) => words.join(" ")));
  const named = Object.values(operations).flatMap(({ cli }) => cli ?? []);
  assert.deepEqual(
    named.filter((line) => !known.has(line)),
    [],
  );
});
