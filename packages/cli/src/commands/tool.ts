/** `tool list|call`: tools without an MCP client. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Tool } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Command, Invocation } from "../command.ts";
import type { Printer } from "../output.ts";
import { jsonText, printable, printableText } from "../output.ts";
import { UsageError } from "../usage.ts";

interface Listed {
  readonly server: string;
  readonly tools: readonly Tool[];
  readonly error?: ManagerError;
}

const list: Command = {
  words: ["tool", "list"],
  summary: "List the tools of one server, or of all",
  positionals: [{ name: "SERVER", optional: true }],
  examples: ["mcp-manager tool list", "mcp-manager tool list weather -o yaml"],
  async run({ client, print, positionals: [server], io }) {
    const connected = client();
    if (server !== undefined) {
      const tools = await connected.tools.list(server, { signal: io.signal });
      print.result({ items: tools }, () => printTools(print, [{ server, tools }]));
      return 0;
    }
    const listed = await listAll(connected, io.signal);
    const items = listed.flatMap(({ server: name, tools }) => tools.map((tool) => ({ server: name, ...tool })));
    print.result({ items }, () => printTools(print, listed));
    const errors = listed.flatMap(({ error }) => error ?? []);
    for (const { message } of errors) print.note(`mcp-manager: not listed: ${printable(message)}`);
    return errors.length === 0 ? 0 : 1;
  },
};

async function listAll(client: Client, signal: AbortSignal): Promise<readonly Listed[]> {
  const names: string[] = [];
  for await (const { metadata } of client.servers.all({ signal })) names.push(metadata.name);
  return Promise.all(
    names.map(async (server) => {
      try {
        return { server, tools: await client.tools.list(server, { signal }) };
      } catch (error) {
        return { server, tools: [], error: ManagerError.from(error) };
      }
    }),
  );
}

function printTools(print: Printer, listed: readonly Listed[]): void {
  print.table({
    head: ["SERVER", "TOOL", "DESCRIPTION"],
    rows: listed.flatMap(({ server, tools }) => tools.map((tool) => [server, tool.name, descriptionOf(tool)])),
    empty: "no tools",
  });
}

/** The first sentence or line. */
function descriptionOf(tool: Tool): string {
  const text = typeof tool["description"] === "string" ? tool["description"] : "";
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text.split("\n", 1)[0] ?? "";
}

const call: Command = {
  words: ["tool", "call"],
  summary: "Call a tool and print its result",
  positionals: [{ name: "SERVER" }, { name: "TOOL" }, { name: "NAME=VALUE", optional: true, many: true }],
  options: {
    args: {
      type: "string",
      short: "a",
      value: "JSON",
      summary: "All arguments as a JSON object; @FILE reads a file, - stdin",
    },
  },
  notes: [
    "A VALUE that is JSON is taken as such: n=5 is a number, list=[1,2] a list, n='\"5\"' a text. NAME=VALUE wins over --args.",
    "A result that says isError is printed like any other, and the exit status is 1.",
  ],
  examples: [
    "mcp-manager tool call everything echo message=hello",
    `mcp-manager tool call everything get-sum --args '{"a": 2, "b": 3}' -o json`,
  ],
  async run(invocation) {
    const { client, print, positionals, io } = invocation;
    const [server = "", tool = "", ...pairs] = positionals;
    const given = { ...(await jsonArguments(invocation)), ...pairArguments(pairs) };
    const text = await client().tools.callText(server, tool, given, { signal: io.signal });
    const result = JSON.parse(text) as ToolResult;
    if (print.format === "json") print.line(text);
    else print.result(result, () => printResult(print, result));
    return result.isError === true ? 1 : 0;
  },
};

/** What of an MCP tool result is shown to people. */
interface ToolResult {
  readonly isError?: boolean;
  readonly structuredContent?: unknown;
  readonly content?: readonly {
    readonly type: string;
    readonly text?: string;
    readonly mimeType?: string;
    readonly data?: string;
    readonly uri?: string;
  }[];
}

function printResult(print: Printer, { content = [], structuredContent, isError }: ToolResult): void {
  if (isError === true) print.note("mcp-manager: the tool says that it failed:");
  for (const { type, text, mimeType, data, uri } of content) {
    if (text !== undefined) print.line(printableText(text));
    else if (uri !== undefined) print.line(printable(`[${type} ${uri}]`));
    else
      print.line(printable(`[${type} ${mimeType ?? ""}, ${data?.length ?? 0} characters of base64; -o json shows it]`));
  }
  if (content.length > 0) return;
  if (structuredContent === undefined) print.note("the tool answered without content");
  else print.line(jsonText(structuredContent));
}

/** The commands on tools. */
export const toolCommands: readonly Command[] = [list, call];

async function jsonArguments({ io, option }: Invocation): Promise<Readonly<Record<string, unknown>>> {
  const given = option("args");
  if (given === undefined) return {};
  const text =
    given === "-" ? await io.readStdin() : given.startsWith("@") ? readArguments(io.cwd, given.slice(1)) : given;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--args is not JSON: ${error instanceof Error ? error.message : String(error)}`, call.words);
  }
  throw new UsageError(`--args takes a JSON object such as '{"name": "value"}'`, call.words);
}

function readArguments(cwd: string, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), "utf8");
  } catch {
    throw new UsageError(`cannot read ${file}, named by --args`, call.words);
  }
}

/** `n=5` is the number 5, `name=x` the text x, `list=[1,2]` a list: a value that is JSON is taken as such. */
function pairArguments(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`an argument is NAME=VALUE, not "${pair}"`, call.words);
      return [pair.slice(0, at), valueOf(pair.slice(at + 1))];
    }),
  );
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
