/** Resident memory of the manager: idle, and of sessions that legacy clients hold open. Each variant with a manager of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { type StartedManager, startManager, untilServed } from "../peers/manager.ts";
import type { Target } from "../rig/contestant.ts";
import { saturate } from "../rig/load.ts";
import { residentMb } from "../rig/process.ts";
import { median } from "../rig/rows.ts";
import { openSessions } from "../rig/session.ts";
import { openStreams } from "../rig/streams.ts";
import { type RunningUpstream, startUpstream } from "../rig/upstream.ts";
import { contestantCore, type FigureGroup, loadCore, serversOf } from "./group.ts";

/** Long enough for V8 to collect and give back what an idle program does not need. */
const settleMs = 5_000;
const readings = 9;
const readingEveryMs = 250;

export const memory: FigureGroup = {
  kind: "figures",
  name: "memory",
  title: "Resident memory of the manager",
  remark:
    "Three remote servers, legacy era, one second of load by four connections as a warm-up; every figure is the median of several readings of an idle manager. Nobody can make it collect its garbage from outside, so the first thousand sessions also pay for the heap's growth by opening them; the further ones show what stays.",
  figures: [
    { name: "idle after the start", unit: "MB", max: 120 },
    { name: "idle after the warm-up", unit: "MB", max: 120 },
    { name: "1,000 open sessions, more than idle", unit: "MB", max: 10 },
    { name: "each further 1,000, of 2", unit: "MB", max: 10 },
    { name: "1,000 open sessions with a GET stream each, more than idle", unit: "MB", max: 10 },
    { name: "each further 1,000, of 2, with a GET stream", unit: "MB", max: 10 },
  ],
  async measure(say) {
    const upstream = await startUpstream("legacy", loadCore);
    try {
      const [fresh, idle, ...alone] = await variant(upstream, false);
      say("sessions are measured");
      const [, , ...listening] = await variant(upstream, true);
      return [fresh, idle, ...alone, ...listening];
    } finally {
      await upstream.stop();
    }
  },
};

/** After the start, after the warm-up, and what the first thousand sessions and each further thousand need. */
async function variant(upstream: RunningUpstream, isListening: boolean): Promise<readonly number[]> {
  const started = await startManager({
    servers: serversOf(upstream, 3, (number) => `/mcp/${number}`),
    core: contestantCore,
  });
  const target = targetOf(started);
  try {
    await untilServed(target, started);
    const fresh = await settled(started);
    const sessions = await openSessions(target, 4);
    await saturate({ target, sessions, connections: 4, seconds: 1, core: loadCore, seed: "m" });
    const idle = await settled(started);
    using streams = openStreams();
    const grow = async (thousands: number): Promise<number> => {
      const ids = await openSessions(target, thousands * 1_000);
      if (isListening) for (const id of ids) await streams.open(target, id);
      return await settled(started);
    };
    const one = await grow(1);
    const three = await grow(2);
    return [fresh, idle, one - idle, (three - one) / 2];
  } finally {
    await started.stop();
  }
}

function targetOf({ url, authorization }: StartedManager): Target {
  return { name: "manager /mcp", url: `${url}/mcp`, era: "legacy", tool: "s0__echo", authorization };
}

async function settled({ pid }: StartedManager): Promise<number> {
  await sleep(settleMs);
  const values: number[] = [];
  for (let i = 0; i < readings; i++) {
    values.push(residentMb(pid));
    await sleep(readingEveryMs);
  }
  return median(values) ?? 0;
}
