/**
 * What a web page does with the client, in a real browser: it is told in its own URL where the manager is, and posts what it saw to where
 * it came from. Runs in the page alone; nothing of Node is here.
 */
import { Client, ManagerError } from "@mcp-manager/client";

/** What the page saw. */
export interface Seen {
  readonly servers: readonly string[];
  readonly tools: readonly string[];
  readonly result: unknown;
  /** The codes of what went wrong on purpose. */
  readonly codes: readonly string[];
  readonly fields: readonly string[];
  /** Revision by which a change was made, and by which it was refused: both were read from what a browser hides by default. */
  readonly guarded: string;
  readonly lines: readonly string[];
  /** What is said when the browser keeps the page from asking. */
  readonly message: string;
}

const parameters = new URL(import.meta.url).searchParams;
const url = parameters.get("manager") ?? "";
const key = parameters.get("key") ?? "";
const client = new Client({ url, key });

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<ManagerError> {
  try {
    await call;
  } catch (error) {
    return ManagerError.from(error);
  }
  throw new Error("it did not fail");
}

async function look(): Promise<Seen> {
  const { items } = await client.servers.list();
  const wrong = await errorOf(client.servers.apply({ metadata: { name: "web" }, spec: { source: {} } } as never));
  const [weather] = items;
  if (weather === undefined) throw new Error("there is no server");
  const { metadata, spec } = weather;
  const next = { metadata: { name: metadata.name, labels: { from: "page" } }, spec };
  const applied = await client.servers.apply(next, { ifRevision: metadata.revision });
  const lines: string[] = [];
  for await (const { text } of client.servers.logs("weather", { tail: 1 })) lines.push(text.replace(/\d+$/, "PID"));
  return {
    servers: items.map(({ metadata: { name } }) => name),
    tools: (await client.tools.list("weather")).map(({ name }) => name),
    result: await client.tools.call("weather", "echo", { text: "hello" }),
    codes: [
      (await errorOf(client.servers.get("nobody"))).code,
      (await errorOf(new Client({ url, key: "wrong" }).servers.list())).code,
      (await errorOf(client.servers.apply(next, { ifRevision: "1" }))).code,
      (await errorOf(client.tools.call("weather", "slow", { ms: 60_000 }, { timeoutMs: 100 }))).code,
      wrong.code,
    ],
    fields: wrong.fields.map(({ path }) => path),
    guarded: String(applied.metadata.labels["from"]),
    lines,
    message: "",
  };
}

/** For a page whose origin is not allowed. */
async function lookInVain(): Promise<Pick<Seen, "codes" | "message">> {
  const { code, message } = await errorOf(client.servers.list());
  return { codes: [code], message };
}

const seen = await (parameters.has("vain") ? lookInVain() : look()).catch((error: unknown) => ({
  message: String(error),
}));
await fetch(new URL("/seen", import.meta.url), { method: "POST", body: JSON.stringify(seen) });
