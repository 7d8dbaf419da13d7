/** The stream of events: what one event costs for each who reads it, and what one who never reads costs the others. */
import { bench } from "../rig/paths.ts";
import { start, waitForLine } from "../rig/process.ts";
import { contestantCore, type FigureGroup, loadCore } from "./group.ts";

const readers = 100;
const perSecond = 10_000;
const seconds = 3;

export const events: FigureGroup = {
  kind: "figures",
  name: "events",
  title: "Events to 100 readers over server-sent events",
  remark: `${perSecond.toLocaleString("en")} events a second of about 250 bytes to ${readers} readers for ${seconds} seconds, after 2 to warm up: the bus, the streams and what writes them out, without the rest of the manager (\`bench/events\`). Then the same with one more reader that takes nothing. Where the core cannot tell so many, readers are told how many they missed, and the share is below 1.`,
  figures: [
    { name: "CPU per event and reader", unit: "ns", max: 1_000 },
    { name: "told, of what was said", unit: "×" },
    { name: "told with one that never reads", unit: "×" },
    { name: "memory", unit: "MB" },
    { name: "memory with one that never reads", unit: "MB", max: 300 },
  ],
  async measure(say) {
    const all = await variant(0);
    const withOne = await variant(1);
    say(`${all.ns.toFixed(0)} ns, with one that never reads ${withOne.ns.toFixed(0)} ns`);
    return [all.ns, all.share, withOne.share, all.residentMb, withOne.residentMb];
  },
};

/** One source and its readers, `never` of which take nothing. */
async function variant(
  never: number,
): Promise<{ readonly ns: number; readonly share: number; readonly residentMb: number }> {
  const source = start({
    command: process.execPath,
    args: [
      "--conditions=mcp-manager-source",
      `${bench}/events/source.ts`,
      ...[readers + never, perSecond, seconds].map(String),
    ],
    core: contestantCore,
  });
  try {
    const [, port = ""] = await waitForLine(source, /^port (\d+)\.$/m);
    const args = [`${bench}/events/readers.ts`, port, ...[readers, never, seconds].map(String)];
    const program = start({ command: process.execPath, args, core: loadCore });
    try {
      const [spent] = await waitForLine(source, /^\{.*\}$/m);
      const [told] = await waitForLine(program, /^\{.*\}$/m);
      const { cpuUsPerSecond, saidPerSecond, residentMb } = JSON.parse(spent) as Record<
        "cpuUsPerSecond" | "saidPerSecond" | "residentMb",
        number
      >;
      const { toldPerSecond } = JSON.parse(told) as { readonly toldPerSecond: number };
      return {
        ns: (cpuUsPerSecond / toldPerSecond) * 1_000,
        share: toldPerSecond / (saidPerSecond * readers),
        residentMb,
      };
    } finally {
      await program.stop();
    }
  } finally {
    await source.stop();
  }
}
