/** `server revisions`: what a server's versions run, and which of them serve. */
import type { Server } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import type { Cell } from "../output.ts";
import { percent } from "./deployment-text.ts";
import { age, sourceText } from "./describe.ts";

export const serverRevisions: Command = {
  words: ["server", "revisions"],
  summary: "List a server's revisions, newest first, and which of them serve",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager server revisions weather"],
  async run({ client, print, positionals: [name = ""], io }) {
    const { servers } = client();
    const page = await servers.revisions(name, { limit: 1000, signal: io.signal });
    if (print.format !== "table") {
      print.result(page, () => undefined);
      return 0;
    }
    const { status } = await servers.get(name, { signal: io.signal });
    print.table({
      head: ["NAME", "SERVES", "AGE", "TOOLS", "DIGEST", "SOURCE"],
      rows: page.items.map(({ metadata, spec, status: { tools, digest } }) => [
        metadata.name,
        servesCell(status, metadata.name),
        age(metadata.createdAt, Date.now()),
        String(tools ?? "-"),
        digest.slice(0, 19),
        sourceText(spec.source),
      ]),
      fit: "middle",
      empty: `server ${name} has no revisions`,
    });
    return 0;
  },
};

/** `90 %`, `preview`, `finishing`, or nothing. */
function servesCell({ route, revision }: Server["status"], name: string): Cell | string {
  if (route === undefined) return name === revision ? { text: "100 %", colour: "green" } : "-";
  const { stable, next, draining } = route;
  const nextWeight = next?.weight ?? 0;
  if (name === stable) return { text: percent(100 - nextWeight), colour: "green" };
  if (name === next?.revision) return { text: nextWeight === 0 ? "preview" : percent(nextWeight), colour: "yellow" };
  return draining.includes(name) ? "finishing" : "-";
}
