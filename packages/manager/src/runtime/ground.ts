/** What is found out about the machine once, at the first use, by trying: boundaries, tools, sandboxes. Starts no server. */
import type { Clock } from "../base/clock.ts";
import type { BoundaryKind, Platform } from "./boundary.ts";
import { probePlatform } from "./boundary.ts";
import type { Bubblewrap, NoBubblewrap } from "./bubblewrap.ts";
import { probeBubblewrap } from "./bubblewrap.ts";
import { findSetpriv } from "./launch.ts";
import { LimitWatch } from "./limit-watch.ts";
import type { Rlimits } from "./rlimits.ts";
import { findRlimits } from "./rlimits.ts";
import { openRecords, ownerOf } from "./run-record.ts";
import { procMeter } from "./tree-meter.ts";

/** The machine, to one runtime. */
export interface Ground {
  /** The data directory, as records and cgroups name it. */
  readonly owner: string;
  /** The directory of the records. */
  readonly records: string;
  readonly platform: Platform;
  /** Path of the tool that makes a process die with the manager. */
  readonly setpriv: string | undefined;
  readonly rlimits: Rlimits;
  /** Undefined where there is no `/proc` to look at. */
  readonly watch: LimitWatch | undefined;
  /** What sandboxes are made with; where there is none it is looked for again the next time. */
  bubblewrap(): Promise<Bubblewrap | NoBubblewrap>;
}

/** What to look at. */
export interface GroundOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly boundary?: BoundaryKind;
}

/** Looks at everything but sandboxes, which few may need. */
export async function layGround({ dataDir, clock, boundary }: GroundOptions): Promise<Ground> {
  const owner = await ownerOf(dataDir);
  let found: Promise<Bubblewrap | NoBubblewrap> | undefined;
  return {
    owner,
    platform: await probePlatform(owner, boundary),
    records: await openRecords(dataDir),
    setpriv: await findSetpriv(),
    rlimits: await findRlimits(),
    watch: process.platform === "linux" ? new LimitWatch(clock, procMeter()) : undefined,
    async bubblewrap() {
      const result = await (found ??= probeBubblewrap(dataDir));
      if ("unavailable" in result) found = undefined;
      return result;
    },
  };
}
