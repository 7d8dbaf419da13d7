/** Fake servers as tests and the manager start them; what each does is in fake-server.mjs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("fake-server.mjs", import.meta.url));

export interface FakeOptions {
  readonly name: string;
  readonly era?: "legacy" | "modern";
  readonly start?: "exit" | "exit-zero" | "exit-at-open" | "silent";
  readonly stubborn?: boolean;
  readonly crashAfter?: number;
  /** It says it, and can begin what goes on in later requests: see fake/unfinished.mjs. */
  readonly version?: number;
  /** What the server is told first, as by its tool `set`. */
  readonly set?: FakeState;
}

/** What holds for all that follows. */
export interface FakeState {
  /** Answers nothing. */
  readonly hang?: boolean;
  /** Each call changes the list, and says so. */
  readonly listChanges?: boolean;
  /** The description of the first tool. */
  readonly drift?: string;
  /** Each copy lists a tool of its own. */
  readonly differs?: boolean;
  /** Modern: how long a list holds, in milliseconds. Default 1 s. */
  readonly ttlMs?: number;
  /** HTTP: calls get this status, with a `Retry-After` in seconds; null: no more. */
  readonly status?: number | null;
  readonly retryAfter?: number;
  /** HTTP: false gives the status to openings and lists as well. */
  readonly callsOnly?: boolean;
}

/** Where all fakes of one test write, and how their processes are found. */
export interface FakeGround {
  readonly journal: string;
  readonly tag: string;
}

/** The source of one on stdio. Its name and its ground end up in its command line. */
export function fakeSource(options: FakeOptions, ground: FakeGround): object {
  const args = [program, "stdio", JSON.stringify({ ...options, ...ground })];
  // What must never be seen: see I8.
  return { kind: "process", command: process.execPath, args, env: { SERVICE_TOKEN: "${env:FAULT_CANARY}" } };
}

/** One over HTTP in a process of its own; it ends when it is disposed of. */
export class FakeHttp implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** The source that reaches it: directly, or by another URL. */
  source(url: string = this.url): object {
    return { kind: "remote", url, headers: { Authorization: "Bearer ${env:FAULT_CANARY}" } };
  }

  async set(state: FakeState): Promise<void> {
    await this.#tell("/set", JSON.stringify(state));
  }

  async loseSessions(): Promise<void> {
    await this.#tell("/lose-sessions", "{}");
  }

  /** Ends it at once; the port is free then. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const closed = this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, "close") : null;
    this.#child.kill(signal);
    await closed;
  }

  /** Stops it where it stands, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #tell(path: string, body: string): Promise<void> {
    const answer = await fetch(new URL(path, this.url), { method: "POST", body });
    if (!answer.ok) throw new Error(`the fake server answered ${answer.status} to ${path}`);
  }
}

/** Starts one; `port` is for one that comes again at its old place. */
export async function startFakeHttp(options: FakeOptions, ground: FakeGround, port = 0): Promise<FakeHttp> {
  const args = [program, "http", JSON.stringify({ ...options, ...ground, port })];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return new FakeHttp(url, child);
}

/** A line of the journal: something that a fake server executed, or was told. */
export interface JournalEntry {
  readonly server: string;
  /** Which copy. */
  readonly copy: string;
  readonly pid: number;
  readonly method: string;
  readonly tool?: string;
  /** The marker of the call. */
  readonly call?: string;
  /** The status under which it was refused; then nothing was executed. */
  readonly refused?: number;
}

/** Everything so far, of all copies, in order. */
export function readJournal({ journal }: FakeGround): readonly JournalEntry[] {
  const text = readFileSync(journal, "utf8");
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as JournalEntry);
}
