/** Asks a person for a line, which is seen as it is typed. Owns the terminal while it asks, and gives it back. */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** What was typed, without the line's end. Rejects when the person interrupts, or ends the input. */
export async function askLine(input: Readable, output: Writable, question: string): Promise<string> {
  const lines = createInterface({ input, output, terminal: true });
  const answer = Promise.withResolvers<string>();
  const stop = (): void => answer.reject(new Error("it was interrupted, and nothing was changed"));
  lines.on("SIGINT", stop);
  lines.on("close", stop);
  lines.question(question, answer.resolve);
  try {
    return await answer.promise;
  } finally {
    lines.close();
    input.pause();
  }
}
