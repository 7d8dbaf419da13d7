/** The scenario's door over the command line: a process for each command. */
import type { Deployment, Event, Server } from "@mcp-manager/api";
import { cli, startCli, type CliProcess } from "../cli.ts";
import type { ManagerProcess } from "../manager.ts";
import { until } from "../manager.ts";
import type { ManagingDoor } from "./door.ts";
import { textOf } from "./rest.ts";

export function cliDoor(manager: ManagerProcess): ManagingDoor {
  const following: CliProcess[] = [];
  const run = async <T>(words: readonly string[], stdin = ""): Promise<T> => {
    const { status, stdout, stderr } = await cli(manager, [...words, "-o", "json"], { stdin });
    if (status !== 0) throw new Error(`${words.join(" ")}: exit ${status}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  return {
    name: "command line",
    async deploy(name, spec) {
      const file = JSON.stringify({ kind: "Server", metadata: { name }, spec });
      return (await run<Server>(["server", "apply", "-f", "-", "--no-wait"], file)).status.deployment;
    },
    async list() {
      const { items } = await run<{ readonly items: readonly Server[] }>(["server", "list"]);
      return items.map(({ metadata }) => metadata.name);
    },
    get: (name) => run<Server>(["server", "get", name]),
    deployment: (name) => run<Deployment>(["deployment", "get", name]),
    call: async (server, tool) => textOf(await run(["tool", "call", server, tool])),
    async rollback(server, to) {
      const target = to === undefined ? [] : ["--to", to];
      return (await run<Deployment>(["server", "rollback", server, ...target, "--no-wait"])).metadata.name;
    },
    async codeOfMissing(name) {
      const { status, stderr } = await cli(manager, ["server", "get", name]);
      return status === 1 && stderr.includes(`server "${name}" does not exist`) ? "not_found" : stderr;
    },
    async watch(topics) {
      const watching = startCli(manager, ["events", "--snapshot", "--topics", topics.join(","), "-o", "json"]);
      following.push(watching);
      const items = (): readonly { readonly kind: string; readonly event?: Event }[] =>
        watching.stdout
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line));
      await until("the stream is open", () => Promise.resolve(items().some(({ kind }) => kind === "synced")));
      return {
        get seen() {
          return items().flatMap(({ event }) => event ?? []);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of following) child.kill("SIGINT");
      await Promise.all(following.map(({ exited }) => exited));
    },
  };
}
