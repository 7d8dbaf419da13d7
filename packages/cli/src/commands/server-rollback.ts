/** `server rollback`: back to a revision that served before, at once. */
import type { Command } from "../command.ts";
import { followAndTell } from "./deployment-begun.ts";
import { deploymentWaitNotes, deploymentWaitOptions, waitOf } from "./deployment-wait.ts";
import { revisionOf } from "./server-diff.ts";

export const serverRollback: Command = {
  words: ["server", "rollback"],
  summary: "Go back to an earlier revision of a server, at once",
  positionals: [{ name: "NAME" }],
  options: {
    to: {
      type: "string",
      value: "REVISION",
      summary: "weather-5, or 5. Default: the stable one while a deployment is under way, else the one before it",
    },
    ...deploymentWaitOptions,
  },
  notes: [
    "No steps, no review, no waiting for promotion: one switch as soon as enough replicas are ready. What runs (source, sandbox, sharing, limits of replicas) is written back into the server's spec; the rest of the spec stays.",
    ...deploymentWaitNotes,
  ],
  examples: ["mcp-manager server rollback weather", "mcp-manager server rollback weather --to weather-5"],
  async run(invocation) {
    const wait = waitOf(invocation, serverRollback.words);
    const { client, positionals, option, io } = invocation;
    const [name = ""] = positionals;
    const to = option("to");
    const deployment = await client().servers.rollback(name, {
      ...(to === undefined ? {} : { to: revisionOf(name, to) }),
      signal: io.signal,
    });
    return await followAndTell(invocation, deployment, wait);
  },
};
