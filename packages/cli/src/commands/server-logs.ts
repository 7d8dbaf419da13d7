/** `server logs`: what a server's replicas wrote to stderr. */
import type { Command } from "../command.ts";
import { printableText } from "../output.ts";
import { UsageError } from "../usage.ts";

export const serverLogs: Command = {
  words: ["server", "logs"],
  summary: "Show what a server wrote to stderr",
  positionals: [{ name: "NAME" }],
  options: {
    follow: { type: "boolean", short: "f", summary: "Stay, and show lines as they are written" },
    tail: { type: "string", short: "n", value: "N", summary: "Lines from before now. Default: 100" },
    replica: { type: "string", value: "NAME", summary: "Only this replica's lines" },
  },
  examples: ["mcp-manager server logs weather", "mcp-manager server logs weather -f --tail 10"],
  async run({ client, print, positionals: [name = ""], option, flag, io }) {
    const { servers } = client();
    const replica = option("replica");
    const tail = tailOf(option("tail"));
    const { items } = replica === undefined ? await servers.replicas(name, { signal: io.signal }) : { items: [] };
    const isNamed = items.length > 1;
    const query = {
      follow: flag("follow"),
      signal: io.signal,
      ...(tail === undefined ? {} : { tail }),
      ...(replica === undefined ? {} : { replica }),
    };
    for await (const line of servers.logs(name, query)) {
      if (print.format === "table") print.line(`${isNamed ? `${line.replica} | ` : ""}${printableText(line.text)}`);
      else print.line(`${print.format === "yaml" ? "- " : ""}${JSON.stringify(line)}`);
    }
    return 0;
  },
};

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,5}$/.test(text)) return Number(text);
  throw new UsageError(`--tail takes a number of lines, not "${text}"`, serverLogs.words);
}
