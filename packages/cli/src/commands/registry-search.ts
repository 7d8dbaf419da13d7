/** `registry search`: servers that the registry of the MCP project, or another, knows by a name that contains a word. */
import { offersOf } from "@mcp-manager/api";
import type { Command, Invocation, Option } from "../command.ts";
import { type Listed, officialRegistry, RegistryClient } from "../registry-client.ts";
import { UsageError } from "../usage.ts";

/** Which registry. */
export const registryOption: Option = {
  type: "string",
  value: "URL",
  summary: `The registry (MCP_MANAGER_REGISTRY). Default: ${officialRegistry}`,
};

/** The registry that is meant. Throws `invalid_argument` when its URL is none. */
export function registryOf({ option, io }: Invocation): RegistryClient {
  const url = option("registry") ?? (io.env["MCP_MANAGER_REGISTRY"] || officialRegistry);
  return new RegistryClient({ url, signal: io.signal });
}

const limitDefault = 30;
const limitMax = 1000;

export const registrySearch: Command = {
  words: ["registry", "search"],
  summary: "Look for servers in the registry of the MCP project",
  positionals: [{ name: "TERM" }],
  options: {
    registry: registryOption,
    limit: { type: "string", value: "N", summary: `How many at most, up to ${limitMax}. Default: ${limitDefault}` },
  },
  notes: [
    "The registry compares TERM with names. RUN says how a server can be run here; one in brackets cannot. `registry add NAME` registers one.",
  ],
  examples: ["mcp-manager registry search weather", "mcp-manager registry search filesystem --limit 100 -o json"],
  async run(invocation) {
    const { print, option, positionals } = invocation;
    const [term = ""] = positionals;
    const text = option("limit") ?? String(limitDefault);
    const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (limit < 1 || limit > limitMax)
      throw new UsageError(`--limit takes a whole number from 1 to ${limitMax}`, registrySearch.words);
    const registry = registryOf(invocation);
    const { servers, isCut, unreadable } = await registry.search(term, limit);
    print.result(
      { items: servers.map(({ server, status }) => ({ ...server, ...(status === undefined ? {} : { status }) })) },
      () =>
        print.table({
          head: ["NAME", "VERSION", "RUN", "DESCRIPTION"],
          rows: servers.map((listed) => [
            listed.server.name,
            listed.server.version,
            waysOf(listed),
            (listed.status === "deprecated" ? "deprecated: " : "") + (listed.server.description ?? ""),
          ]),
          empty: `the registry ${registry.url} knows no server with "${term}" in its name`,
        }),
    );
    if (isCut) print.note(`there are more: a longer TERM, or --limit, finds them`);
    if (unreadable > 0) print.note(`${unreadable} descriptions could not be read and are left out`);
    return 0;
  },
};

function waysOf({ server }: Listed): string {
  const ways = offersOf(server).map(({ kind, isPossible }) => (isPossible ? kind : `(${kind})`));
  return [...new Set(ways)].join(", ") || "-";
}
