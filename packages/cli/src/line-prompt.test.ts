import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { askLine } from "./line-prompt.ts";

test("a line is asked for and answered without its end, one question after the other", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = "";
  output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  const first = askLine(input, output, "where? ");
  input.write("Rome\r");
  assert.equal(await first, "Rome");
  const second = askLine(input, output, "when? ");
  input.write("now\r");
  assert.equal(await second, "now");
  assert.match(shown, /where\? .*Rome.*when\? .*now/s);
});

test("an interrupt, and the end of the input, end the question", async () => {
  for (const last of ["\u0003", "\u0004"]) {
    const input = new PassThrough();
    const asked = askLine(input, new PassThrough(), "where? ");
    input.write(last);
    await assert.rejects(asked, { message: /interrupted, and nothing was changed/ });
  }
});
