/** The process around one run: the real streams and environment, Ctrl-C, and the exit status. No logic. */
import process from "node:process";
import { askHidden } from "./hidden-prompt.ts";
import { askLine } from "./line-prompt.ts";
import { run } from "./run.ts";

const interrupted = new AbortController();
const args = process.argv.slice(2);

// `up` drains on its own when it is told to stop; every other command has nothing to finish.
if (args[0] !== "up") process.once("SIGINT", () => interrupted.abort());

// A reader that has seen enough (`| head`), or a terminal that was closed, is no failure; and a manager runs on when nobody reads what
// it says.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
    if (args[0] !== "up") process.exit(0);
  });
}

process.exitCode = await run(args, {
  stdout: process.stdout,
  stderr: process.stderr,
  async readStdin() {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  },
  async ask(question) {
    return process.stdin.isTTY ? await askLine(process.stdin, process.stderr, question) : undefined;
  },
  async askHidden(question) {
    return process.stdin.isTTY ? await askHidden(process.stdin, process.stderr, question) : undefined;
  },
  stdinEnded() {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const event of ["end", "close", "error"]) process.stdin.once(event, () => resolve());
    process.stdin.resume();
    // Listening for it is no reason to live on: a manager that was told to stop ends although its parent is still there. A file
    // ends by itself and has no such method.
    if ("unref" in process.stdin) process.stdin.unref();
    return promise;
  },
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY,
  get columns() {
    return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  },
  get rows() {
    return process.stdout.isTTY ? process.stdout.rows || 24 : Number.POSITIVE_INFINITY;
  },
  signal: interrupted.signal,
});
