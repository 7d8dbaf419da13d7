/** The scenario's door over gRPC: Connect's client from the published interface. What it answers is read by protobuf's JSON mapping. */
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Deployment, Event, Server } from "@mcp-manager/api";
import { DeploymentSchema } from "../../../../packages/manager/src/api/grpc/gen/mcpmanager/v1/deployment_pb.ts";
import { EventSchema } from "../../../../packages/manager/src/api/grpc/gen/mcpmanager/v1/event_pb.ts";
import { ServerSchema } from "../../../../packages/manager/src/api/grpc/gen/mcpmanager/v1/server_pb.ts";
import { MCPManager } from "../../../../packages/manager/src/api/grpc/gen/mcpmanager/v1/service_pb.ts";
import type { ManagerProcess } from "../manager.ts";
import type { ManagingDoor } from "./door.ts";
import { textOf } from "./rest.ts";

export function grpcDoor(manager: ManagerProcess): ManagingDoor {
  const client = createClient(MCPManager, createGrpcTransport({ baseUrl: `http://${manager.grpcAddress}` }));
  const stop = new AbortController();
  const asked = { headers: { authorization: `Bearer ${manager.key}` }, signal: stop.signal };
  const watching: Promise<void>[] = [];
  return {
    name: "gRPC",
    async deploy(name, spec) {
      const server = fromJson(ServerSchema, { metadata: { name }, spec: spec as JsonValue });
      const { deployment } = await client.deployServer({ server }, asked);
      return deployment;
    },
    async list() {
      const names: string[] = [];
      for await (const { metadata } of client.listServers({}, asked)) names.push(metadata?.name ?? "");
      return names;
    },
    get: async (name) => toJson(ServerSchema, await client.getServer({ name }, asked)) as unknown as Server,
    deployment: async (name) =>
      toJson(DeploymentSchema, await client.getDeployment({ name }, asked)) as unknown as Deployment,
    call: async (server, tool) => textOf((await client.executeTool({ server, tool }, asked)).result),
    rollback: async (name, to) =>
      (await client.rollbackServer(to === undefined ? { name } : { name, to }, asked)).metadata?.name ?? "",
    codeOfMissing: (name) =>
      client.getServer({ name }, asked).then(
        () => "none",
        (error: unknown) => (ConnectError.from(error).code === Code.NotFound ? "not_found" : String(error)),
      ),
    async watch(topics) {
      const seen: Event[] = [];
      const open = Promise.withResolvers<void>();
      const reading = (async () => {
        for await (const { item } of client.watchEvents({ topics: [...topics], snapshot: true }, asked)) {
          if (item.case === "synced") open.resolve();
          if (item.case === "event") seen.push(toJson(EventSchema, item.value) as unknown as Event);
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
