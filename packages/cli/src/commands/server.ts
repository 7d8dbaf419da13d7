/** `server list|get|restart|delete|replicas`, and the table of all commands on servers. */
import type { Server } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import { UsageError } from "../usage.ts";
import { age, sourceText, stateCell } from "./describe.ts";
import { serverApply } from "./server-apply.ts";
import { serverDeploy } from "./server-deploy.ts";
import { serverDiff } from "./server-diff.ts";
import { serverLogs } from "./server-logs.ts";
import { printReplicas } from "./replica-table.ts";
import { serverBreaker } from "./server-breaker.ts";
import { serverRevisions } from "./server-revisions.ts";
import { serverRollback } from "./server-rollback.ts";
import { printServer } from "./server-view.ts";
import { waitFor, waitOption, waitSeconds } from "./wait.ts";

const nameArgument = [{ name: "NAME" }] as const;

const list: Command = {
  words: ["server", "list"],
  summary: "List the servers and how they are",
  options: {
    labels: { type: "string", short: "l", value: "NAME=VALUE,...", summary: "Only servers with these labels" },
  },
  examples: ["mcp-manager server list", "mcp-manager server list -l team=forecast -o json"],
  async run({ client, print, option, io }) {
    const labels = option("labels");
    const query = labels === undefined ? {} : { labels: labelsOf(labels) };
    const servers: Server[] = [];
    for await (const server of client().servers.all({ ...query, signal: io.signal })) servers.push(server);
    print.result({ items: servers }, () => {
      // Most of the time all are closed, and nobody needs to read so.
      const hasBreakers = servers.some(({ status }) => (status.breaker ?? "closed") !== "closed");
      print.table({
        head: ["NAME", "STATE", "REPLICAS", ...(hasBreakers ? ["BREAKER"] : []), "REVISION", "TOOLS", "AGE", "SOURCE"],
        rows: servers.map(({ metadata, spec, status }) => [
          metadata.name,
          stateCell(status.state),
          `${status.replicas.ready}/${status.replicas.desired}`,
          ...(hasBreakers ? [stateCell(status.breaker ?? "-")] : []),
          // The number says it all beside the name.
          status.revision?.slice(metadata.name.length + 1) ?? "-",
          String(status.tools ?? "-"),
          age(metadata.createdAt, Date.now()),
          sourceText(spec.source),
        ]),
        fit: "middle",
        empty:
          labels === undefined
            ? "no servers yet: register one with mcp-manager server apply -f FILE"
            : "no server has these labels",
      });
    });
    return 0;
  },
};

const get: Command = {
  words: ["server", "get"],
  summary: "Show one server: what is wanted, what is, and what went wrong last",
  positionals: nameArgument,
  examples: ["mcp-manager server get weather", "mcp-manager server get weather -o yaml > weather.yaml"],
  async run({ client, print, positionals: [name = ""], io }) {
    const connected = client();
    const server = await connected.servers.get(name, { signal: io.signal });
    if (print.format !== "table") {
      print.result(server, () => undefined);
      return 0;
    }
    const { items } = await connected.servers.replicas(name, { signal: io.signal });
    printServer(print, server, items);
    return 0;
  },
};

const replicas: Command = {
  words: ["server", "replicas"],
  summary: "List a server's replicas, newest first",
  positionals: nameArgument,
  examples: ["mcp-manager server replicas weather"],
  async run({ client, print, positionals: [name = ""], io }) {
    const page = await client().servers.replicas(name, { limit: 1000, signal: io.signal });
    print.result(page, () => {
      printReplicas(print, page.items, { withFailures: true, empty: `server ${name} has no replicas` });
    });
    return 0;
  },
};

const remove: Command = {
  words: ["server", "delete"],
  summary: "Take a server out: calls in flight finish, then it is gone",
  positionals: nameArgument,
  options: { force: { type: "boolean", summary: "Do not wait for calls in flight" }, ...waitOption },
  examples: ["mcp-manager server delete weather", "mcp-manager server delete weather --force --wait 0s"],
  async run(invocation) {
    const { client, print, positionals, flag, io } = invocation;
    const [name = ""] = positionals;
    const seconds = waitSeconds(invocation);
    const { servers } = client();
    const server = await servers.delete(name, { force: flag("force"), signal: io.signal });
    const isGone = async (): Promise<boolean> =>
      (await absentOr(servers.get(name, { signal: io.signal }))) === undefined;
    const gone = await waitFor(isGone, seconds, io.signal);
    print.result(server, () => print.line(gone ? `server ${name} is gone` : `server ${name} is draining`));
    if (gone || seconds === 0) return 0;
    print.note(`server ${name} is not gone after ${seconds} s: mcp-manager server get ${name} shows why`);
    return 1;
  },
};

const restart: Command = {
  words: ["server", "restart"],
  summary: "Restart a server's replicas, one after the other",
  positionals: nameArgument,
  options: { replica: { type: "string", value: "NAME", summary: "Only this replica" } },
  examples: ["mcp-manager server restart weather", "mcp-manager server restart weather --replica weather-1-x2k9"],
  async run({ client, print, positionals: [name = ""], option, io }) {
    const replica = option("replica");
    const server = await client().servers.restart(name, {
      ...(replica === undefined ? {} : { replica }),
      signal: io.signal,
    });
    print.result(server, () => print.line(`${replica ?? `server ${name}`} is being restarted`));
    return 0;
  },
};

/** The commands on servers, in the order in which help shows them. */
export const serverCommands: readonly Command[] = [
  list,
  get,
  serverApply,
  serverDeploy,
  serverRollback,
  serverLogs,
  restart,
  serverBreaker,
  remove,
  replicas,
  serverRevisions,
  serverDiff,
];

/** The resource, or undefined when there is none. */
async function absentOr<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof ManagerError && error.code === "not_found") return undefined;
    throw error;
  }
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => pair.split("="));
  if (pairs.every(([name, value, ...more]) => name !== "" && value !== undefined && more.length === 0)) {
    return Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value]));
  }
  throw new UsageError(`--labels takes name=value,name=value, not "${text}"`, list.words);
}
