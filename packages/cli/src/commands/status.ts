/** `status`: the manager and its servers at a glance. */
import type { Command } from "../command.ts";
import { age, failureText, stateCell } from "./describe.ts";

export const statusCommand: Command = {
  words: ["status"],
  summary: "Show how the manager and its servers are",
  examples: ["mcp-manager status", "mcp-manager status -o json"],
  async run({ client, print, io }) {
    const health = await client().health({ signal: io.signal });
    print.result(health, () => {
      const state = print.paint(health.status, stateCell(health.status).colour);
      const up = age(health.startedAt, Date.now());
      print.line(`Manager ${health.version}: ${state}, up ${up}, store ${health.store}`);
      print.line("");
      print.table({
        head: ["SERVER", "STATE", "REPLICAS", "LAST FAILURE"],
        rows: health.servers.map(({ name, state: serverState, replicas, lastFailure }) => [
          name,
          stateCell(serverState),
          `${replicas.ready}/${replicas.desired}`,
          failureText(name, lastFailure, Date.now()),
        ]),
        fit: "wrap",
        empty: "no servers yet: register one with mcp-manager server apply -f FILE",
      });
    });
    return health.status === "failed" ? 1 : 0;
  },
};
