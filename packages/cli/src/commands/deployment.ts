/** `deployment list|get`, and the table of all commands on deployments. */
import type { Deployment } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import { percent, phaseCell, strategyText, wayText } from "./deployment-text.ts";
import { deploymentVerbs } from "./deployment-verbs.ts";
import { toTheEnd } from "./deployment-wait.ts";
import { printDeployment } from "./deployment-view.ts";
import { age } from "./describe.ts";
import { follow } from "./follow.ts";

const list: Command = {
  words: ["deployment", "list"],
  summary: "List the deployments, of one server or of all, newest first",
  positionals: [{ name: "SERVER", optional: true }],
  examples: ["mcp-manager deployment list", "mcp-manager deployment list weather -o json"],
  async run(invocation) {
    const { print, positionals } = invocation;
    const [server] = positionals;
    const items = await read(invocation, server);
    print.result({ items }, () => {
      print.table({
        head: ["NAME", "SERVER", "FROM → TO", "PHASE", "TRAFFIC", "AGE", "STRATEGY"],
        rows: items.map((deployment) => [
          deployment.metadata.name,
          deployment.spec.server,
          wayText(deployment),
          phaseCell(deployment),
          percent(deployment.status.traffic.target),
          age(deployment.metadata.createdAt, Date.now()),
          strategyText(deployment),
        ]),
        empty:
          server === undefined
            ? "no deployments yet: mcp-manager server apply -f FILE begins one"
            : `server ${server} has no deployments`,
      });
    });
    return 0;
  },
};

async function read({ client, io }: Invocation, server: string | undefined): Promise<readonly Deployment[]> {
  const { deployments, servers } = client();
  if (server !== undefined) return (await servers.deployments(server, { limit: 1000, signal: io.signal })).items;
  const items: Deployment[] = [];
  for await (const deployment of deployments.all({ signal: io.signal })) items.push(deployment);
  return items;
}

const get: Command = {
  words: ["deployment", "get"],
  summary: "Show one deployment: where it is, why, how it fares, and what can be done",
  positionals: [{ name: "NAME" }],
  options: {
    watch: {
      type: "boolean",
      short: "w",
      summary: "Stay and show it until it is over; exit status 1 when it went back",
    },
  },
  notes: [
    "With --watch -o json or -o yaml every change of it is a line of JSON. Ctrl-C only stops the watching: deployment abort ends a deployment.",
  ],
  examples: ["mcp-manager deployment get weather-7-1", "mcp-manager deployment get weather-7-1 --watch"],
  async run(invocation) {
    const { client, print, positionals, flag, io } = invocation;
    const [name = ""] = positionals;
    if (flag("watch")) {
      const [followed] = await follow(invocation, [name], toTheEnd, "result");
      return followed?.ending === "there" ? 0 : 1;
    }
    const deployment = await client().deployments.get(name, { signal: io.signal });
    print.result(deployment, () => printDeployment(print, deployment, Date.now()));
    return 0;
  },
};

/** The commands on deployments, in the order in which help shows them. */
export const deploymentCommands: readonly Command[] = [list, get, ...deploymentVerbs];
