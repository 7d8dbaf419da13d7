/** The scenario's door over REST: the TypeScript client. */
import type { Event, ServerInput } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { ManagerProcess } from "../manager.ts";
import type { ManagingDoor } from "./door.ts";

export function restDoor(manager: ManagerProcess): ManagingDoor {
  const { client } = manager;
  const stop = new AbortController();
  const watching: Promise<void>[] = [];
  return {
    name: "REST",
    async deploy(name, spec) {
      const server = await client.servers.apply({ metadata: { name }, spec } as ServerInput);
      return server.status.deployment;
    },
    async list() {
      return (await client.servers.list()).items.map(({ metadata }) => metadata.name);
    },
    get: (name) => client.servers.get(name),
    deployment: (name) => client.deployments.get(name),
    call: async (server, tool) => textOf(await client.tools.call(server, tool, {})),
    rollback: async (server, to) =>
      (await client.servers.rollback(server, to === undefined ? {} : { to })).metadata.name,
    codeOfMissing: (name) =>
      client.servers.get(name).then(
        () => "none",
        (error: unknown) => ManagerError.from(error).code,
      ),
    async watch(topics) {
      const seen: Event[] = [];
      const open = Promise.withResolvers<void>();
      const reading = (async () => {
        for await (const item of client.events.watch({ topics, snapshot: true, signal: stop.signal })) {
          if (item.kind === "synced") open.resolve();
          if (item.kind === "event") seen.push(item.event);
        }
      })();
      watching.push(reading.catch(() => undefined));
      await Promise.race([open.promise, reading]);
      return { seen };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(watching);
    },
  };
}

/** The text of the first block of a tool's result. */
export function textOf(result: unknown): string {
  const { content } = result as { readonly content: readonly { readonly text: string }[] };
  return content[0]?.text ?? "";
}
