/**
 * One process that runs, from its start to the end of everything it started. Owns its pipes, its way down the stop ladder and the
 * removal of its record.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import type { Isolation } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Unsubscribe } from "../base/watched.ts";
import { killCgroup } from "./cgroup.ts";
import type { Excess } from "./limit-watch.ts";
import type { Inside, TreeNames } from "./process-tree.ts";
import { endTree, insideOf, signalGroup } from "./process-tree.ts";
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
  /** Looks after what the kernel does not bound, until it is told to leave off. */
  watch(exceeded: (what: Excess) => void): Unsubscribe;
  /** Removes the run's record; called when nothing of it is left. */
  forget(): Promise<void>;
}

/** After the end: how long the last lines of stderr are waited for, and how long stdout may stay unread, in milliseconds. */
const lastLinesMs = 500;
const unreadMs = 10_000;

export class RunningProcess implements Running {
  readonly channel: Channel;
  readonly isolation: Isolation;
  readonly memory: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #parts: RunParts;
  readonly #linesRead: Promise<void>;
  #isOver = false;
  #excess: Excess | undefined;
  #known: Inside | undefined;
  #stopping: Promise<void> | undefined;

  /** To be made in the turn in which the process was started, so that none of its events is missed. */
  constructor(child: ChildProcessWithoutNullStreams, parts: RunParts) {
    const { stdin, stdout, stderr } = child;
    this.channel = { kind: "stdio", stdin, stdout };
    this.isolation = parts.isolation;
    this.memory = parts.memory;
    this.#child = child;
    this.#parts = parts;
    // A pipe whose other end is gone (EPIPE) is the reader's news, never the manager's end.
    for (const stream of [stdin, stdout, child]) stream.on("error", () => undefined);
    this.#linesRead = readLines(stderr, parts.stderr, parts.clock);
    const leaveOff = parts.watch((excess) => {
      this.#excess = excess;
      this.kill();
    });
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#isOver = true;
        leaveOff();
        void this.#clear().then((outOfMemory) => {
          const isFull = outOfMemory || this.#excess === "memory";
          resolve({
            ...exitOf(code, signal, parts.tree.isInside),
            ...(isFull ? { outOfMemory: true } : {}),
            ...(this.#excess === "processes" ? { tooManyProcesses: true } : {}),
          });
        });
      });
    });
  }

  get pid(): number {
    return this.#inside()?.pid ?? this.#parts.tree.pid;
  }

  async stop(): Promise<Exit> {
    this.#stopping ??= climbDown(
      {
        endInput: () => this.#child.stdin.end(),
        terminate: () => this.#terminate(),
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
    if (this.#isOver) return;
    const { tree } = this.#parts;
    const inside = this.#inside();
    signalGroup(tree.pid, "SIGKILL");
    if (inside !== undefined) signalGroup(inside.init.pid, "SIGKILL");
    if (tree.cgroup !== undefined) killCgroup(tree.cgroup);
  }

  #terminate(): void {
    // What waits for the namespace would end with SIGTERM, and everything in it unasked.
    if (!this.#isOver) signalGroup(this.#inside()?.init.pid ?? this.#parts.tree.pid, "SIGTERM");
  }

  #inside(): Inside | undefined {
    const { tree } = this.#parts;
    if (tree.isInside && !this.#isOver) this.#known ??= insideOf(tree.pid);
    return this.#known;
  }

  /** The rest of the tree goes with the process that was started. Gives whether memory ran out. */
  async #clear(): Promise<boolean> {
    const { tree, clock, forget } = this.#parts;
    signalGroup(tree.pid, "SIGKILL");
    // Node would now throw away what nobody has begun to read, and a reader may come a moment later.
    Reflect.set(this.#child, "stdio", []);
    this.#child.stdin.destroy();
    const { isGone, outOfMemory } = await endTree({ ...tree, init: this.#known?.init }, clock);
    releaseUnread(this.#child.stdout, clock);
    if (!(await happensWithin(this.#linesRead, lastLinesMs, clock))) this.#child.stderr.destroy();
    if (isGone) await forget();
    return outOfMemory;
  }
}

/** From inside a namespace an end by a signal comes as a status, as shells write it: 128 and its number. */
function exitOf(code: number | null, signal: NodeJS.Signals | null, isInside: boolean): Exit {
  const told = isInside && code !== null && code > 128 ? nameOf(code - 128) : undefined;
  return told === undefined
    ? { code: code ?? undefined, signal: signal ?? undefined }
    : { code: undefined, signal: told };
}

function nameOf(signal: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
}

/** Closes a pipe that nobody reads to its end, or that an escaped process keeps open. */
function releaseUnread(stdout: Readable, clock: Clock): void {
  if (stdout.closed) return;
  const timer = clock.after(unreadMs, () => stdout.destroy());
  stdout.once("close", () => timer.cancel());
}
