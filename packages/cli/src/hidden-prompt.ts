/** Asks a person for something that nobody else shall read from the screen. Owns the terminal while it asks, and gives it back. */
import type { Readable } from "node:stream";
import type { Sink } from "./io.ts";

/** A terminal's input. */
export type TerminalInput = Readable & { setRawMode(isRaw: boolean): unknown };

/** Longest answer, in characters. */
const lengthMax = 65_536;

/** What is typed up to the end of the line, shown nowhere. Rejects when the person interrupts. */
export async function askHidden(input: TerminalInput, output: Sink, question: string): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  input.resume();
  try {
    return await readLine(input);
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}

/** By events, not by iterating: a terminal that was paused, as after the question before, is not taken up by an iterator. */
async function readLine(input: TerminalInput): Promise<string> {
  const line = Promise.withResolvers<string>();
  let typed = "";
  const take = (text: string): void => {
    for (const character of text) {
      if (character === "\r" || character === "\n" || character === "\u0004") return line.resolve(typed);
      // In this mode Ctrl-C is a character like others.
      if (character === "\u0003") return line.reject(new Error("it was interrupted, and nothing was changed"));
      if (character === "\u007F" || character === "\b") typed = typed.slice(0, -1);
      else typed += character;
    }
    if (typed.length > lengthMax)
      line.reject(new Error(`more than ${lengthMax} characters were typed: pipe the value in`));
  };
  const end = (): void => line.resolve(typed);
  input.on("data", take).on("end", end);
  try {
    return await line.promise;
  } finally {
    input.off("data", take).off("end", end);
  }
}
