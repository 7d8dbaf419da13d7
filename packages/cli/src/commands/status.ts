/** `status`: the manager and its servers at a glance. */
import type { Command } from "../command.ts";
import type { ConfigHealth, Health, ServerHealth, ServerState } from "@mcp-manager/api";
import type { Printer } from "../output.ts";
import { printable } from "../output.ts";
import { age, stateCell, withoutServer } from "./describe.ts";

export const statusCommand: Command = {
  words: ["status"],
  summary: "Show how the manager and its servers are",
  examples: ["mcp-manager status", "mcp-manager status -o json"],
  async run({ client, print, io }) {
    const health = await client().health({ signal: io.signal });
    print.result(health, () => {
      printInstance(print, health);
      print.line("");
      print.table({
        head: ["SERVER", "STATE", "REPLICAS", "WHY"],
        rows: health.servers
          .toSorted(attentionFirst)
          .map((server) => [
            server.name,
            stateCell(server.state),
            `${server.replicas.ready}/${server.replicas.desired}`,
            whyText(server),
          ]),
        fit: "wrap",
        empty: "no servers yet: register one with mcp-manager server apply -f FILE",
      });
    });
    return health.status === "failed" ? 1 : 0;
  },
};

/** The order in which states are counted up: what needs somebody first. */
const states: readonly ServerState[] = ["failed", "degraded", "starting", "pending", "draining", "idle", "ready"];

function printInstance(print: Printer, health: Health): void {
  const { status, version, startedAt, store, overload, config, states: counts } = health;
  const state = print.paint(status, stateCell(status).colour);
  print.line(`Manager ${version}: ${state}, up ${age(startedAt, Date.now())}, store ${store}`);
  if (overload !== undefined && overload.stage > 0) {
    const why = overload.message === undefined ? "" : `: ${overload.message}`;
    print.line(`Load: ${print.paint(`overloaded, stage ${overload.stage}${why}`, "yellow")}`);
  } else if (overload !== undefined) print.line("Load: not overloaded");
  if (config !== undefined) printConfig(print, config);
  if (counts === undefined) return;
  const counted = states.flatMap((name) => {
    const count = counts[name] ?? 0;
    return count === 0 ? [] : [print.paint(`${count} ${name}`, stateCell(name).colour)];
  });
  if (counted.length > 0) print.line(`Servers: ${counted.join(", ")}`);
}

/** Which file it runs by, and what is wrong with it or not in force yet. */
function printConfig(print: Printer, { file, state, message, at }: ConfigHealth): void {
  const head = `Configuration: ${printable(file)}, read ${age(at, Date.now())} ago`;
  if (message === undefined) print.line(head);
  else print.line(print.paint(`${head}: ${printable(message)}`, state === "invalid" ? "red" : "yellow"));
}

/** Those that somebody should look at, then by name, as they come. */
function attentionFirst(a: ServerHealth, b: ServerHealth): number {
  return Number(b.attention !== undefined) - Number(a.attention !== undefined);
}

/** `the process exited with status 3 (initialize, 12s ago)`. */
function whyText({ name, attention, lastFailure }: ServerHealth): string {
  const why = attention ?? lastFailure?.message;
  if (why === undefined) return "-";
  const when = lastFailure === undefined ? "" : ` (${lastFailure.stage}, ${age(lastFailure.at, Date.now())} ago)`;
  return withoutServer(why, name) + when;
}
