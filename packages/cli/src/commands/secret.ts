/** `secret list|get|set|delete`. A value comes from stdin or is typed unseen, never from an argument; none is ever printed. */
import type { Secret } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import type { Printer } from "../output.ts";
import { age } from "./describe.ts";

const nameArgument = [{ name: "NAME" }] as const;

const list: Command = {
  words: ["secret", "list"],
  summary: "List the secrets and who uses them, without their values",
  examples: ["mcp-manager secret list"],
  async run({ client, print, io }) {
    const secrets: Secret[] = [];
    for await (const secret of client().secrets.all({ signal: io.signal })) secrets.push(secret);
    print.result({ items: secrets }, () => {
      print.table({
        head: ["NAME", "AGE", "CHANGES", "USED BY"],
        rows: secrets.map(({ metadata, status }) => [
          metadata.name,
          age(metadata.createdAt, Date.now()),
          String(metadata.generation - 1),
          status.usedBy.join(", ") || "-",
        ]),
        empty: "no secrets yet: keep one with mcp-manager secret set NAME",
      });
    });
    return 0;
  },
};

const get: Command = {
  words: ["secret", "get"],
  summary: "Show who uses a secret, without its value",
  positionals: nameArgument,
  examples: ["mcp-manager secret get weather-token"],
  async run({ client, print, positionals: [name = ""], io }) {
    const secret = await client().secrets.get(name, { signal: io.signal });
    print.result(secret, () => {
      const { metadata, status } = secret;
      print.fields([
        ["Name", metadata.name],
        ["Created", `${age(metadata.createdAt, Date.now())} ago (${metadata.createdAt})`],
        ["Changes", String(metadata.generation - 1)],
        ["Used by", status.usedBy.join(", ") || "nobody"],
        ["Written as", `\${secret:${metadata.name}}`],
      ]);
    });
    return 0;
  },
};

const set: Command = {
  words: ["secret", "set"],
  summary: "Keep a secret, or give it another value",
  positionals: nameArgument,
  notes: [
    "The value is what is piped in, without a line end behind it; in a terminal it is asked for and not shown. It is never an argument, which others could read in the list of processes and in the shell's history.",
    "Servers that use it take it at their next start.",
  ],
  examples: ["mcp-manager secret set weather-token", "cat token.txt | mcp-manager secret set weather-token"],
  async run(invocation) {
    const { client, print, positionals, io } = invocation;
    const [name = ""] = positionals;
    const value = await readValue(name, invocation);
    const secret = await client().secrets.put({ metadata: { name }, spec: { value } }, { signal: io.signal });
    print.result(secret, () => print.line(`secret ${name} is set`));
    noteRestarts(print, secret.status.usedBy);
    return 0;
  },
};

const remove: Command = {
  words: ["secret", "delete"],
  summary: "Forget a secret that nobody uses",
  positionals: nameArgument,
  options: { force: { type: "boolean", summary: "Also one in use: what uses it cannot start again" } },
  examples: ["mcp-manager secret delete weather-token"],
  async run({ client, print, positionals: [name = ""], flag, io }) {
    const secret = await client().secrets.delete(name, { force: flag("force"), signal: io.signal });
    print.result(secret, () => print.line(`secret ${name} is gone`));
    return 0;
  },
};

/** The commands on secrets. */
export const secretCommands: readonly Command[] = [list, get, set, remove];

/** Says what makes these take the new value now: a line for each server. */
function noteRestarts(print: Printer, usedBy: readonly string[]): void {
  const servers = usedBy.flatMap((user) => /^server (\S+)$/.exec(user)?.[1] ?? []);
  if (servers.length === 0) return;
  print.note("what uses it takes it at its next start; to take it now:");
  for (const server of servers) print.note(`  mcp-manager server restart ${server}`);
}

async function readValue(name: string, { io }: Invocation): Promise<string> {
  const typed = await io.askHidden(`value of secret ${name} (not shown): `);
  // Editors and `echo` end a text with a newline that is no part of the secret.
  const value = typed ?? (await io.readStdin()).replace(/\r?\n$/, "");
  if (value !== "") return value;
  throw new ManagerError("invalid_argument", `there is no value for secret ${name}: pipe it in, or type it when asked`);
}
