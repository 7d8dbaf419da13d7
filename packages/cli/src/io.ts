/** The outside world of one run of the command line, passed in so that tests own it. */

/** Where text goes. */
export interface Sink {
  write(text: string): unknown;
}

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** All of what is piped in. */
  readStdin(): Promise<string>;
  /** What a person types, seen; undefined where stdin is no terminal. */
  ask(question: string): Promise<string | undefined>;
  /** What a person types, shown nowhere; undefined where stdin is no terminal. */
  askHidden(question: string): Promise<string | undefined>;
  /** Resolves when whoever holds the other end of stdin has closed it or has gone. What is written there is dropped. */
  stdinEnded(): Promise<void>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** Whether a person reads stdout. */
  readonly isTerminal: boolean;
  /** Width of that terminal, in characters, as it is now; without end in a pipe. */
  readonly columns: number;
  /** Its height, in lines; without end in a pipe. */
  readonly rows: number;
  /** Aborts when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Whether colours may be used (no-color.org). */
export function hasColour(io: Io): boolean {
  return io.isTerminal && (io.env["NO_COLOR"] ?? "") === "" && io.env["TERM"] !== "dumb";
}
