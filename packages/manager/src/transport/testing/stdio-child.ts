/** The stand-in server on stdio as a running child of the test. No part of the program. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { StdioStreams } from "../stdio-channel.ts";

export class StdioChild implements AsyncDisposable {
  readonly journal: string[] = [];
  readonly streams: StdioStreams;
  readonly exited: Promise<unknown>;
  readonly #child: ChildProcess;

  /** `mode`: how it behaves when it is opened, see `stdio-peer.ts`. */
  constructor(era: "legacy" | "modern", mode = "") {
    const program = fileURLToPath(new URL("stdio-peer.ts", import.meta.url));
    this.#child = spawn(process.execPath, [program, era, mode], { stdio: ["pipe", "pipe", "inherit", "ipc"] });
    this.#child.on("message", (line: string) => void this.journal.push(line));
    this.exited = once(this.#child, "exit");
    const [stdin, stdout] = this.#child.stdio as unknown as [Writable, Readable];
    this.streams = { stdin, stdout };
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Answers what it holds. */
  release(): void {
    this.#child.send("release");
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}
