/** A run of the command line whose outside world the test owns: what is typed, piped in and set, and what came of it. */
import type { Io } from "../io.ts";
import { run } from "../run.ts";

export interface Terminal {
  /** What is piped in. */
  readonly stdin?: string;
  /** What is typed unseen; without it stdin is no terminal. */
  readonly typed?: string;
  /** What is typed to be seen, line by line; without it stdin is no terminal. */
  readonly lines?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its width; without it stdout is a pipe. */
  readonly columns?: number;
  /** Its height. Default: 24. */
  readonly rows?: number;
  readonly signal?: AbortSignal;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The outside world of one run, with what was written to it so far. */
export function terminalIo(terminal: Terminal = {}): { readonly io: Io; written(): Omit<Ran, "status"> } {
  let stdout = "";
  let stderr = "";
  const lines = terminal.lines === undefined ? undefined : [...terminal.lines];
  const io: Io = {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdinEnded: () => Promise.resolve(),
    readStdin: () => Promise.resolve(terminal.stdin ?? ""),
    ask: (question) => {
      if (lines !== undefined) stderr += question;
      return Promise.resolve(lines === undefined ? undefined : (lines.shift() ?? ""));
    },
    askHidden: () => Promise.resolve(terminal.typed),
    env: terminal.env ?? {},
    cwd: terminal.cwd ?? "/nowhere",
    isTerminal: terminal.columns !== undefined,
    columns: terminal.columns ?? Number.POSITIVE_INFINITY,
    rows: terminal.columns === undefined ? Number.POSITIVE_INFINITY : (terminal.rows ?? 24),
    signal: terminal.signal ?? new AbortController().signal,
  };
  return { io, written: () => ({ stdout, stderr }) };
}

/** Runs one command line, its words separated by spaces or given one by one. */
export async function type(words: string | readonly string[], terminal: Terminal = {}): Promise<Ran> {
  const { io, written } = terminalIo(terminal);
  const status = await run(typeof words === "string" ? words.split(" ") : words, io);
  return { status, ...written() };
}
