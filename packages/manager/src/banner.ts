/** What a person reads when the manager takes traffic: where it is, what it serves, and how to connect. Never a key. */
import { relative } from "node:path";
import type { RunningManager } from "./manager.ts";

export interface BannerOptions {
  readonly manager: Pick<RunningManager, "url" | "grpcUrl" | "adminKey" | "admissions">;
  readonly version: string;
  /** What paths are shown relative to. */
  readonly cwd: string;
  /** The data directory, absolute. */
  readonly data: string;
  /** Whether a person reads it in a terminal: then with bold headings. */
  readonly isTerminal: boolean;
}

/** The text, ended by a newline. Its first line says `ready` and what was bound, and is all that scripts need. */
export function banner(options: BannerOptions): string {
  const { manager, version, isTerminal } = options;
  const { url, grpcUrl, admissions } = manager;
  const bold = (text: string): string => (isTerminal ? `\u001B[1m${text}\u001B[0m` : text);
  const names = admissions.filter(({ outcome }) => outcome !== "deleted").map(({ name }) => name);
  const rows: readonly (readonly [string, string])[] = [
    ["endpoint", `${url}/mcp   (every server, tools named server__tool)`],
    ["one server", `${url}/servers/NAME/mcp`],
    ...(names.length === 0 ? [] : [["servers", list(names)] as const]),
    ["API", `${url}/api/v1/openapi.json`],
    ["key", keyText(options)],
  ];
  return `${[
    `${bold("MCP Manager")} ${version} ready on ${bold(url)}${grpcUrl === undefined ? "" : ` and ${bold(grpcUrl)}`}`,
    "",
    ...rows.map(([left, right]) => `  ${left.padEnd(12)}${right}`),
    "",
    bold("Connect a client"),
    // A line of its own for each command, so that it can be taken whole whatever the terminal's width.
    ...connectLines(options).flatMap(([client, line]) => [`  ${client}`, `    ${line}`]),
    "",
  ].join("\n")}\n`;
}

/** Names in the order they were given, the first ten of them. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

function keyText({ manager, cwd }: BannerOptions): string {
  const { path, source } = manager.adminKey;
  if (path === undefined) return "the value of MCP_MANAGER_ADMIN_KEY";
  return `${shownPath(cwd, path)}${source === "created" ? "   (made just now, only you can read it)" : ""}`;
}

/** A line for each client that connects it, to be run in the directory that the manager was started in. */
function connectLines(options: BannerOptions): readonly (readonly [string, string])[] {
  const { manager, cwd, data } = options;
  const { path } = manager.adminKey;
  const endpoint = `${manager.url}/mcp`;
  const key = path === undefined ? "$MCP_MANAGER_ADMIN_KEY" : `$(cat ${shellWord(shownPath(cwd, path))})`;
  const header = `--header "Authorization: Bearer ${key}"`;
  const target = [
    ...(manager.url === "http://127.0.0.1:8080" ? [] : [`--url ${manager.url}`]),
    ...(shownPath(cwd, data) === "data" ? [] : [`--data ${shellWord(shownPath(cwd, data))}`]),
  ];
  const connect = (client: string): string => ["npx mcp-manager connect", client, ...target].join(" ");
  return [
    ["Claude Code", `claude mcp add --transport http mcp-manager ${endpoint} ${header}`],
    ["Cursor", `mkdir -p .cursor && ${connect("cursor")} > .cursor/mcp.json`],
    ["VS Code", `mkdir -p .vscode && ${connect("vscode")} > .vscode/mcp.json`],
    ["MCP Inspector", `npx @modelcontextprotocol/inspector --transport http --server-url ${endpoint} ${header}`],
    ["any other", `${connect("CLIENT")}   (claude-desktop, codex, gemini, windsurf, opencode)`],
  ];
}

/** Relative when that is shorter to read. */
function shownPath(cwd: string, path: string): string {
  const near = relative(cwd, path);
  return near === "" || near.startsWith("..") ? path : near;
}

/** As one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
