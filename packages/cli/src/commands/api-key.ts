/** `api-key list|get|create|delete`. A key is printed once, when it is made, alone on its line. */
import type { ApiKey, RoleName } from "@mcp-manager/api";
import { roleNames } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import { UsageError } from "../usage.ts";
import { age } from "./describe.ts";

const list: Command = {
  words: ["api-key", "list"],
  summary: "List the API keys, without the keys themselves",
  examples: ["mcp-manager api-key list"],
  async run({ client, print, io }) {
    const keys: ApiKey[] = [];
    for await (const key of client().apiKeys.all({ signal: io.signal })) keys.push(key);
    print.result({ items: keys }, () => {
      print.table({
        head: ["NAME", "PRINCIPAL", "ROLES", "AGE", "EXPIRES", "BEGINS WITH"],
        rows: keys.map(({ metadata, spec, status }) => [
          metadata.name,
          spec.principal,
          spec.roles.join(","),
          age(metadata.createdAt, Date.now()),
          spec.expiresAt ?? "never",
          status.hint ?? "-",
        ]),
        empty: "no API keys yet: make one with mcp-manager api-key create NAME --role caller",
      });
    });
    return 0;
  },
};

const get: Command = {
  words: ["api-key", "get"],
  summary: "Show one API key, without the key itself",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager api-key get ci"],
  async run({ client, print, positionals: [name = ""], io }) {
    const key = await client().apiKeys.get(name, { signal: io.signal });
    print.result(key, () => {
      const { metadata, spec, status } = key;
      print.fields([
        ["Name", metadata.name],
        ["Principal", spec.principal],
        ["Roles", spec.roles.join(", ")],
        ["Created", `${age(metadata.createdAt, Date.now())} ago (${metadata.createdAt})`],
        ["Expires", spec.expiresAt ?? "never"],
        ["Begins with", status.hint ?? "-"],
      ]);
    });
    return 0;
  },
};

const create: Command = {
  words: ["api-key", "create"],
  summary: "Make an API key and print it, this once",
  positionals: [{ name: "NAME" }],
  options: {
    role: { type: "string", short: "r", value: "ROLE,...", summary: `Any of ${roleNames.join(", ")}. Default: caller` },
    expires: { type: "string", value: "TIME", summary: "When it ends, such as 2027-12-31T00:00:00Z. Default: never" },
  },
  examples: ["mcp-manager api-key create my-editor", "KEY=$(mcp-manager api-key create ci --role operator)"],
  async run({ client, print, positionals: [name = ""], option, io }) {
    const expiresAt = option("expires");
    const roles = (option("role") ?? "caller").split(",").map(roleOf);
    const spec = { roles, ...(expiresAt === undefined ? {} : { expiresAt }) };
    const created = await client().apiKeys.create({ metadata: { name }, spec }, { signal: io.signal });
    print.result(created, () => print.line(created.key));
    print.note(`keep it now: it is not shown again (${created.spec.principal}, ${roles.join(", ")})`);
    return 0;
  },
};

const remove: Command = {
  words: ["api-key", "delete"],
  summary: "Revoke an API key, at once",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager api-key delete ci"],
  async run({ client, print, positionals: [name = ""], io }) {
    const key = await client().apiKeys.delete(name, { signal: io.signal });
    print.result(key, () => print.line(`API key ${name} is revoked`));
    return 0;
  },
};

/** The commands on API keys. */
export const apiKeyCommands: readonly Command[] = [list, get, create, remove];

function roleOf(text: string): RoleName {
  const role = roleNames.find((name) => name === text);
  if (role !== undefined) return role;
  throw new UsageError(`--role takes ${roleNames.join(", ")}, not "${text}"`, create.words);
}
