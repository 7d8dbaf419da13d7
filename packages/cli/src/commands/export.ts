/**
 * `export`: what is registered as a configuration file that `up --config` takes, or with `--for` the one entry of a client. Secrets stand in
 * the file as references; their values are read by nobody.
 */
import type { Server } from "@mcp-manager/api";
import { hiddenValue, secretNames } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import { yamlText } from "../output.ts";
import { UsageError } from "../usage.ts";
import { clientEntryOptions, clientNames, printClientEntry } from "./client-entry.ts";
import { writtenSpec } from "./written-spec.ts";

export const exportCommand: Command = {
  words: ["export"],
  summary: "Print what is registered as a configuration file, or a client's one entry",
  options: {
    for: { type: "string", value: "CLIENT", summary: `The entry of this client instead: ${clientNames.join(", ")}` },
    ...clientEntryOptions,
  },
  notes: [
    "Without `--for` it is a file for `up --config`: every server as it is written, without what is the default. Secrets stand in it as references, and the file names those that have to be set where it is used.",
  ],
  examples: ["mcp-manager export > mcp-manager.yaml", "mcp-manager export --for cursor --new-key my-laptop"],
  async run(invocation) {
    const wanted = invocation.option("for");
    if (wanted === undefined) await printConfiguration(invocation);
    else await printClientEntry(invocation, wanted, exportCommand.words);
    return 0;
  },
};

async function printConfiguration({ client, print, option, io }: Invocation): Promise<void> {
  const stray = Object.keys(clientEntryOptions).find((name) => option(name) !== undefined);
  if (stray !== undefined)
    throw new UsageError(`--${stray} is about a client's entry: say which with --for`, ["export"]);
  const servers: Server[] = [];
  for await (const server of client().servers.all({ signal: io.signal })) {
    if (server.metadata.deletedAt === undefined) servers.push(server);
  }
  const data = { servers: Object.fromEntries(servers.map((server) => [server.metadata.name, entryOf(server)])) };
  const secrets = [...new Set(servers.flatMap(({ spec }) => secretNames(spec.source)))].toSorted();
  const head = secrets.map((name) => `# needs a secret: mcp-manager secret set ${name}\n`).join("");
  print.result(data, () => print.line(head + yamlText(data)));
  if (JSON.stringify(data).includes(hiddenValue))
    print.note(`values shown as ${hiddenValue} may not be read with this key, and have to be filled in`);
}

function entryOf({ metadata: { labels }, spec }: Server): object {
  return { ...(Object.keys(labels).length === 0 ? {} : { labels }), ...writtenSpec(spec) };
}
