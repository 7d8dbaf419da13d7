/**
 * One process that runs, from its start to the end of everything it started. Owns its pipes, its way down the stop ladder and the
 * removal of its record.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Readable } from "node:stream";
import type { Isolation } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { TreeNames } from "./process-tree.ts";
import { endTree, signalGroup } from "./process-tree.ts";
import { killCgroup } from "./cgroup.ts";
import type { Channel, Exit, LineSink, Running } from "./runtime.ts";
import { readLines } from "./stderr-lines.ts";
import type { StopTimes } from "./stop-ladder.ts";
import { climbDown, happensWithin } from "./stop-ladder.ts";

/** What a run is made of, beside its process. */
export interface RunParts {
  readonly tree: TreeNames;
  readonly isolation: Isolation;
  readonly memory: string;
  readonly stderr: LineSink;
  readonly times: StopTimes;
  readonly clock: Clock;
  /** Removes the run's record; called when nothing of it is left. */
  forget(): Promise<void>;
}

/** After the end: how long the last lines of stderr are waited for, and how long stdout may stay unread, in milliseconds. */
const lastLinesMs = 500;
const unreadMs = 10_000;

export class RunningProcess implements Running {
  readonly channel: Channel;
  readonly pid: number;
  readonly isolation: Isolation;
  readonly memory: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #parts: RunParts;
  readonly #linesRead: Promise<void>;
  #isOver = false;
  #stopping: Promise<void> | undefined;

  /** To be made in the turn in which the process was started, so that none of its events is missed. */
  constructor(child: ChildProcessWithoutNullStreams, parts: RunParts) {
    const { stdin, stdout, stderr } = child;
    this.channel = { kind: "stdio", stdin, stdout };
    this.pid = parts.tree.pid;
    this.isolation = parts.isolation;
    this.memory = parts.memory;
    this.#child = child;
    this.#parts = parts;
    // A pipe whose other end is gone (EPIPE) is the reader's news, never the manager's end.
    for (const stream of [stdin, stdout, child]) stream.on("error", () => undefined);
    this.#linesRead = readLines(stderr, parts.stderr, parts.clock);
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#isOver = true;
        const exit = { code: code ?? undefined, signal: signal ?? undefined };
        void this.#clear().then((outOfMemory) => resolve(outOfMemory ? { ...exit, outOfMemory: true } : exit));
      });
    });
  }

  async stop(): Promise<Exit> {
    this.#stopping ??= climbDown(
      {
        endInput: () => this.#child.stdin.end(),
        terminate: () => this.#signal("SIGTERM"),
        kill: () => this.kill(),
        ended: this.exited,
      },
      this.#parts.times,
      this.#parts.clock,
    );
    await this.#stopping;
    return this.exited;
  }

  kill(): void {
    this.#signal("SIGKILL");
    if (!this.#isOver && this.#parts.tree.cgroup !== undefined) killCgroup(this.#parts.tree.cgroup);
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) signalGroup(this.pid, signal);
  }

  /** The rest of the tree goes with the process that was started. Gives whether memory ran out. */
  async #clear(): Promise<boolean> {
    const { tree, clock, forget } = this.#parts;
    signalGroup(tree.pid, "SIGKILL");
    // Node would now throw away what nobody has begun to read, and a reader may come a moment later.
    Reflect.set(this.#child, "stdio", []);
    this.#child.stdin.destroy();
    const { isGone, outOfMemory } = await endTree(tree, clock);
    releaseUnread(this.#child.stdout, clock);
    if (!(await happensWithin(this.#linesRead, lastLinesMs, clock))) this.#child.stderr.destroy();
    if (isGone) await forget();
    return outOfMemory;
  }
}

/** Closes a pipe that nobody reads to its end, or that an escaped process keeps open. */
function releaseUnread(stdout: Readable, clock: Clock): void {
  if (stdout.closed) return;
  const timer = clock.after(unreadMs, () => stdout.destroy());
  stdout.once("close", () => timer.cancel());
}
