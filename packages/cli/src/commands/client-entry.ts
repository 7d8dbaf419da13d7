/**
 * The one entry that connects a client to the manager: the exact line or file entry of each. Nothing is written and nothing is run. What a
 * client reads is that client's format; see the row of each.
 */
import { nearest } from "@mcp-manager/api";
import type { Invocation, Option } from "../command.ts";
import { findTarget, isLoopback } from "../target.ts";
import { UsageError } from "../usage.ts";

/** What a client needs to know. */
interface Endpoint {
  /** The name under which the client lists it. */
  readonly name: string;
  readonly url: string;
  readonly key: string;
}

interface ClientFormat {
  /** What the client is called. */
  readonly title: string;
  /** Where the text goes. */
  readonly where: string;
  text(endpoint: Endpoint): string;
}

const bearer = ({ key }: Endpoint): string => `Bearer ${key}`;
const json = (value: unknown): string => JSON.stringify(value, undefined, 2);

const clientEntries: Readonly<Record<string, ClientFormat>> = {
  claude: {
    title: "Claude Code",
    where: "run this",
    text: (endpoint) =>
      `claude mcp add --transport http ${endpoint.name} ${endpoint.url} --header ${quoted(`Authorization: ${bearer(endpoint)}`)}`,
  },
  "claude-desktop": {
    title: "Claude Desktop",
    where: "put this into claude_desktop_config.json (Settings, Developer, Edit Config)",
    // Its file knows processes only, so a small bridge goes between; it splits arguments at spaces, hence the variable.
    text: (endpoint) =>
      json({
        mcpServers: {
          [endpoint.name]: {
            command: "npx",
            args: [
              "-y",
              "mcp-remote",
              endpoint.url,
              ...(endpoint.url.startsWith("http:") && !isLoopback(endpoint.url) ? ["--allow-http"] : []),
              "--header",
              "Authorization:${AUTHORIZATION}",
            ],
            env: { AUTHORIZATION: bearer(endpoint) },
          },
        },
      }),
  },
  cursor: {
    title: "Cursor",
    where: "put this into ~/.cursor/mcp.json, or .cursor/mcp.json of a project",
    text: (endpoint) => json({ mcpServers: { [endpoint.name]: { url: endpoint.url, headers: headersOf(endpoint) } } }),
  },
  vscode: {
    title: "VS Code",
    where: "put this into .vscode/mcp.json",
    text: (endpoint) =>
      json({ servers: { [endpoint.name]: { type: "http", url: endpoint.url, headers: headersOf(endpoint) } } }),
  },
  codex: {
    title: "Codex",
    where: "put this into ~/.codex/config.toml",
    text: (endpoint) =>
      [
        `[mcp_servers.${endpoint.name}]`,
        `url = ${JSON.stringify(endpoint.url)}`,
        `http_headers = { Authorization = ${JSON.stringify(bearer(endpoint))} }`,
      ].join("\n"),
  },
  gemini: {
    title: "Gemini CLI",
    where: "put this into ~/.gemini/settings.json",
    text: (endpoint) =>
      json({ mcpServers: { [endpoint.name]: { httpUrl: endpoint.url, headers: headersOf(endpoint) } } }),
  },
  windsurf: {
    title: "Windsurf",
    where: "put this into ~/.codeium/windsurf/mcp_config.json",
    text: (endpoint) =>
      json({ mcpServers: { [endpoint.name]: { serverUrl: endpoint.url, headers: headersOf(endpoint) } } }),
  },
  opencode: {
    title: "opencode",
    where: "put this into opencode.json",
    text: (endpoint) =>
      json({
        mcp: { [endpoint.name]: { type: "remote", url: endpoint.url, headers: headersOf(endpoint), enabled: true } },
      }),
  },
  inspector: {
    title: "MCP Inspector",
    where: "run this",
    text: (endpoint) =>
      `npx @modelcontextprotocol/inspector --server-url ${endpoint.url} --transport http --header ${quoted(`Authorization: ${bearer(endpoint)}`)}`,
  },
};

/** The clients that there is an entry for. */
export const clientNames: readonly string[] = Object.keys(clientEntries);

/** What may be chosen about an entry. */
export const clientEntryOptions: Readonly<Record<string, Option>> = {
  server: {
    type: "string",
    short: "s",
    value: "NAME",
    summary: "Only this server, its tools without a prefix. Default: all",
  },
  "new-key": { type: "string", value: "NAME", summary: "Make an API key with the role caller for the client" },
  name: { type: "string", value: "NAME", summary: "What the client calls it. Default: mcp-manager" },
};

/** Prints the entry of a client, and says where it goes. `words` are the command's, for what is wrong about its use. */
export async function printClientEntry(
  invocation: Invocation,
  wanted: string,
  words: readonly string[],
): Promise<void> {
  const { client, print, option, io } = invocation;
  const format = clientEntries[wanted];
  if (format === undefined || !Object.hasOwn(clientEntries, wanted)) throw unknownClient(wanted, words);
  const target = findTarget(io, { url: option("url"), data: option("data") });
  const newKey = option("new-key");
  const server = option("server");
  // Asked, not assumed: a typing mistake would otherwise be found in the client, as a connection that fails.
  if (server !== undefined) await client().servers.get(server, { signal: io.signal });
  const key = newKey === undefined ? target.key : await makeKey(client(), newKey, io.signal);
  if (key === undefined) throw new UsageError(`there is no key for the client: ${target.keyHint}`, words);
  const path = server === undefined ? "/mcp" : `/servers/${server}/mcp`;
  const endpoint = {
    name: option("name") ?? server ?? "mcp-manager",
    url: target.url.replace(/\/+$/, "") + path,
    key,
  };
  print.result({ client: wanted, ...endpoint, text: format.text(endpoint) }, () => {
    print.note(`${format.title}: ${format.where}`);
    print.line(format.text(endpoint));
  });
  if (newKey === undefined && target.isAdminKey) {
    print.note(`this holds the admin key, which may do everything: --new-key NAME makes one that may only use tools`);
  }
}

async function makeKey(client: ReturnType<Invocation["client"]>, name: string, signal: AbortSignal): Promise<string> {
  const created = await client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } }, { signal });
  return created.key;
}

function headersOf(endpoint: Endpoint): Readonly<Record<string, string>> {
  return { Authorization: bearer(endpoint) };
}

function unknownClient(wanted: string, words: readonly string[]): UsageError {
  const close = nearest(wanted, clientNames);
  const hint = close === undefined ? "" : `did you mean ${close}? `;
  return new UsageError(`unknown client "${wanted}"; ${hint}known are ${clientNames.join(", ")}`, words);
}

/** In double quotes, for a POSIX shell and for PowerShell alike; keys hold nothing that either would replace. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, String.raw`\$&`)}"`;
}
