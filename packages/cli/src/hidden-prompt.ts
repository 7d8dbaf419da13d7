/** Asks a person for something that nobody else shall read from the screen. Owns the terminal while it asks, and gives it back. */
import type { ReadStream } from "node:tty";
import type { Sink } from "./io.ts";

/** Longest answer, in characters. */
const lengthMax = 65_536;

/** What is typed up to the end of the line, shown nowhere. Rejects when the person interrupts. */
export async function askHidden(input: ReadStream, output: Sink, question: string): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  try {
    return await readLine(input);
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}

async function readLine(input: ReadStream): Promise<string> {
  let line = "";
  for await (const text of input.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    for (const character of text) {
      if (character === "\r" || character === "\n" || character === "\u0004") return line;
      // In this mode Ctrl-C is a character like others.
      if (character === "\u0003") throw new Error("it was interrupted, and nothing was changed");
      if (character === "\u007F" || character === "\b") line = line.slice(0, -1);
      else line += character;
    }
    if (line.length > lengthMax) throw new Error(`more than ${lengthMax} characters were typed: pipe the value in`);
  }
  return line;
}
