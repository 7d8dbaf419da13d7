/** The first call of a client that can be asked something, on a stdio server: with a process kept ready for it, and without. */
import { setTimeout as sleep } from "node:timers/promises";
import { type StartedManager, startManager, untilServed } from "../peers/manager.ts";
import type { Target } from "../rig/contestant.ts";
import { median } from "../rig/rows.ts";
import { openSessions, tryCall } from "../rig/session.ts";
import { contestantCore, type FigureGroup, stdioSource } from "./group.ts";

/** Fewer than a replica's processes, with those that are kept open for the next client of each. */
const clients = 6;
/** By then another process is ready in the place of the one that was taken. */
const betweenMs = 2_000;

export const pool: FigureGroup = {
  kind: "figures",
  name: "pool",
  title: "First call of a new client on a stdio server, legacy era, through `/mcp`",
  remark: `${clients} clients one after the other, each of which can be asked something else, so that none finds a process that was told the same. One manager keeps a process started (\`agent.spares\`, as it does by default), another none; they take turns. The server is a small Node program: published ones take longer to start.`,
  figures: [
    { name: "first call with a process kept ready over one with a start", unit: "×", max: 0.5 },
    { name: "first call, with a process kept ready", unit: "ms" },
    { name: "first call, with a start", unit: "ms" },
    { name: "its second call", unit: "ms" },
  ],
  async measure() {
    const servers = { bench: stdioSource("legacy") };
    const warm = await startManager({ servers, core: contestantCore });
    const cold = await startManager({ servers, core: contestantCore, spares: 0 });
    try {
      return await figuresOf(targetOf(warm), targetOf(cold), [warm, cold]);
    } finally {
      await cold.stop();
      await warm.stop();
    }
  },
};

async function figuresOf(
  warm: Target,
  cold: Target,
  [warmManager, coldManager]: readonly [StartedManager, StartedManager],
): Promise<readonly (number | undefined)[]> {
  await untilServed(warm, warmManager);
  await untilServed(cold, coldManager);
  const ready: number[] = [];
  const started: number[] = [];
  const second: number[] = [];
  for (let client = 0; client < clients; client++) {
    await sleep(betweenMs);
    const [first, again] = await callsOf(warm, client);
    ready.push(first);
    second.push(again);
    started.push((await callsOf(cold, client))[0]);
  }
  const ratios = ready.map((ms, at) => ms / (started[at] ?? ms));
  return [median(ratios), median(ready), median(started), median(second)];
}

/** How long the first two calls of a new client take, in milliseconds. */
async function callsOf(target: Target, client: number): Promise<readonly [number, number]> {
  const [session] = await openSessions(target, 1, { elicitation: { form: {}, [`client-${client}`]: {} } });
  const fromMs = performance.now();
  await tryCall(target, session);
  const betweenCallsMs = performance.now();
  await tryCall(target, session);
  return [betweenCallsMs - fromMs, performance.now() - betweenCallsMs];
}

function targetOf({ url, authorization }: StartedManager): Target {
  return { name: "manager /mcp", url: `${url}/mcp`, era: "legacy", tool: "bench__echo", authorization };
}
