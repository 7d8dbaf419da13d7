import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { askHidden } from "./hidden-prompt.ts";
import { askLine } from "./line-prompt.ts";

function terminal(): {
  readonly input: PassThrough & { setRawMode(isRaw: boolean): void };
  readonly modes: boolean[];
  readonly output: PassThrough;
  readonly shown: () => string;
} {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (isRaw: boolean) => void modes.push(isRaw) });
  const output = new PassThrough();
  let shown = "";
  output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  return { input, modes, output, shown: () => shown };
}

test("what is typed is taken with its corrections and shown nowhere, also after a question whose answer is seen", async () => {
  const { input, modes, output, shown } = terminal();
  const seen = askLine(input, output, "where? ");
  input.write("Rome\r");
  assert.equal(await seen, "Rome");
  for (const value of ["hunter2", "hunter3"]) {
    const hidden = askHidden(input, output, "key? ");
    input.write(`${value}x\u007F`);
    input.write("\r");
    assert.equal(await hidden, value);
  }
  assert.ok(shown().includes("key? \n") && !shown().includes("hunter"), shown());
  assert.deepEqual(modes.slice(-4), [true, false, true, false]);
});

test("Ctrl-C ends the question, and the terminal is given back", async () => {
  const { input, modes, output } = terminal();
  const hidden = askHidden(input, output, "key? ");
  input.write("hun\u0003");
  await assert.rejects(hidden, { message: /interrupted, and nothing was changed/ });
  assert.equal(modes.at(-1), false);
});
