import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { ManagerError, serverDefaults, type ServerSpec } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import { ServerSchema } from "./gen/mcpmanager/v1/server_pb.ts";
import { type GrpcDoor, openGrpcDoor, refusalOf, take } from "./testing/grpc-door.ts";

const source = { kind: "remote", url: "https://tools.example/mcp" };
const listed: ServerSpec = {
  ...serverDefaults,
  source: { kind: "remote", url: "https://tools.example/mcp", transport: "streamable-http", headers: {} },
};

function weather(name = "weather"): { metadata: { name: string }; spec: { source: typeof source } } {
  return { metadata: { name }, spec: { source } };
}

describe("operations over gRPC", () => {
  let door: GrpcDoor;
  before(async () => {
    door = await openGrpcDoor();
  });
  after(() => door[Symbol.asyncDispose]());

  test("a server is deployed, and read as REST reads it", async () => {
    const client = door.client();
    const deployed = await client.deployServer({ server: weather() });
    assert.equal(deployed.created, true);
    assert.equal(deployed.deployment, "weather-1-1");
    const again = await client.deployServer({ server: weather() });
    assert.deepEqual([again.created, again.deployment], [false, undefined]);
    const server = await client.getServer({ name: "weather" });
    const overRest = await door.rest.read("/api/v1/servers/weather");
    assert.deepEqual(withoutEmpty(toJson(ServerSchema, server)), withoutEmpty(overRest));
  });

  test("all servers are listed, in pages that nobody sees", async () => {
    const client = door.client();
    const servers = door.rest.registry.resources(kinds.Server);
    const { spec } = await servers.create({ name: "listed-000", labels: { listed: "yes" }, spec: listed });
    for (let index = 1; index <= 500; index += 1) {
      await servers.create({ name: `listed-${String(index).padStart(3, "0")}`, labels: { listed: "yes" }, spec });
    }
    const all = await take(client.listServers({ labels: "listed=yes" }));
    assert.equal(all.length, 501);
    assert.equal(all.at(-1)?.metadata?.name, "listed-500");
    const deployments = await client.listDeployments({ limit: 1 });
    assert.equal(deployments.items.length, 1);
  });

  test("a change under another revision than was read is refused, with the one that is there", async () => {
    const client = door.client();
    await client.deployServer({ server: weather("swapped") });
    const { metadata } = await client.getServer({ name: "swapped" });
    const refusal = await refusalOf(client.deployServer({ server: weather("swapped"), ifRevision: "1" }));
    assert.deepEqual([refusal.code, refusal.reason], ["Aborted", "CONFLICT"]);
    assert.equal(refusal.facts["revision"], metadata?.revision);
    const same = await client.deployServer({ server: weather("swapped"), ifRevision: metadata?.revision ?? "" });
    assert.equal(same.created, false);
  });

  test("what is wrong is named field by field, as REST names it", async () => {
    const client = door.client();
    const wrong = await refusalOf(client.deployServer({ server: { metadata: { name: "x" }, spec: { replicas: 99 } } }));
    assert.deepEqual(
      [wrong.code, wrong.reason, wrong.facts["reason"]],
      ["InvalidArgument", "INVALID_ARGUMENT", "INVALID_FIELDS"],
    );
    assert.deepEqual([...wrong.fields].sort(), ["spec.replicas", "spec.source"]);
    const page = await refusalOf(client.listRevisions({ name: "weather", limit: 0 }));
    assert.deepEqual([page.code, page.fields], ["InvalidArgument", ["limit"]]);
    assert.deepEqual((await refusalOf(client.getServer({}))).fields, ["name"]);
    assert.deepEqual((await refusalOf(client.deployServer({ server: { spec: { source } } }))).fields, [
      "server.metadata.name",
    ]);
    assert.equal((await refusalOf(client.deployServer({}))).code, "InvalidArgument");
  });

  test("what is not there is not found, and the server is among the facts", async () => {
    const refusal = await refusalOf(door.client().getServer({ name: "nobody" }));
    assert.deepEqual([refusal.code, refusal.reason], ["NotFound", "NOT_FOUND"]);
    assert.equal(refusal.message, 'server "nobody" does not exist');
    assert.deepEqual(refusal.facts, { server: "nobody" });
  });

  test("who may not is told what that needs; who has no credential, or a wrong one, is told so", async () => {
    const denied = await refusalOf(door.client("viewer").deployServer({ server: weather() }));
    assert.equal(denied.code, "PermissionDenied");
    assert.match(denied.message, /may not .*that needs servers:write/);
    const none = await refusalOf(door.client("none").getHealth({}));
    assert.deepEqual(
      [none.code, none.message],
      ["Unauthenticated", "a credential is needed: send Authorization: Bearer <key>"],
    );
    const wrong = await refusalOf(take(door.client("burglar").listServers({})));
    assert.deepEqual([wrong.code, wrong.message], ["Unauthenticated", "the key is not known"]);
    assert.deepEqual(
      door.audited
        .filter(({ outcome }) => outcome === "denied")
        .map(({ action, target, address }) => [action, target, address]),
      [
        ["putServer", "servers/weather", "127.0.0.1"],
        ["grpc", "mcpmanager.v1.MCPManager/ListServers", "127.0.0.1"],
      ],
    );
  });

  test("a tool's result comes as a Struct, or as its bytes", async () => {
    const client = door.client();
    const call = { server: "weather", tool: "echo" };
    const structured = await client.executeTool({ ...call, arguments: { days: 3 } });
    assert.deepEqual(structured.result, { content: [], structuredContent: { days: 3 } });
    assert.equal(structured.isError, false);
    const digits = Buffer.from('{"big":12345678901234567890}');
    const raw = await client.executeTool({ ...call, argumentsJson: digits, raw: true });
    assert.equal(
      Buffer.from(raw.resultJson ?? []).toString(),
      `{"content":[],"structuredContent":${digits.toString()}}`,
    );
    assert.equal(raw.result, undefined);
    const both = await refusalOf(client.executeTool({ ...call, arguments: {}, argumentsJson: digits }));
    assert.deepEqual([both.code, both.fields], ["InvalidArgument", ["argumentsJson"]]);
    const noNumber = await refusalOf(client.executeTool({ ...call, arguments: { at: [{ x: Number.NaN }] } }));
    assert.deepEqual([noNumber.code, noNumber.fields], ["InvalidArgument", ["arguments.at.0.x"]]);
    const list = await refusalOf(client.executeTool({ ...call, argumentsJson: Buffer.from("[1]") }));
    assert.equal(list.code, "InvalidArgument");
    const text = await refusalOf(client.executeTool({ ...call, argumentsJson: Buffer.from("{") }));
    assert.match(text.message, /^argumentsJson is not JSON/);
    assert.deepEqual((await refusalOf(client.executeTool({ tool: "echo" }))).fields, ["server"]);
    const tools = await client.listTools({ name: "weather" });
    assert.deepEqual(tools.items, [{ name: "echo", inputSchema: { type: "object" } }]);
  });

  test("our own failure tells the caller nothing, and the log all", async () => {
    const refusal = await refusalOf(door.client().executeTool({ server: "weather", tool: "broken" }));
    assert.deepEqual([refusal.code, refusal.message], ["Internal", "the manager failed; its log says why"]);
    assert.equal(door.failures.at(-1)?.message, "secret detail");
  });

  test("lines of a log come one by one, and follow until the caller has gone", async () => {
    const line = { replica: "weather-1-a", at: "2027-01-01T00:00:00Z", text: "hello" };
    door.rest.lines.push(line);
    const reader = new AbortController();
    const lines = door.client().readLogs({ name: "weather", tail: 5, follow: true }, { signal: reader.signal });
    const [first] = await take(lines, 1);
    reader.abort();
    assert.deepEqual({ replica: first?.replica, at: first?.at, text: first?.text }, line);
    assert.equal(door.rest.logQueries.at(-1)?.tail, 5);
    const signal = door.rest.logQueries.at(-1)?.signal;
    if (signal?.aborted === false) await once(signal, "abort");
    const refusal = await refusalOf(door.client().readLogs({ name: "nobody" }));
    assert.deepEqual([refusal.code, refusal.facts], ["NotFound", { server: "nobody" }]);
    assert.equal((await refusalOf(door.client("viewer").readLogs({ name: "weather" }))).code, "PermissionDenied");
  });

  test("the answer is a page of its own where REST has one, and the whole document where it has that", async () => {
    const client = door.client();
    const created = await client.createApiKey({ apiKey: { metadata: { name: "ci" }, spec: { roles: ["caller"] } } });
    assert.equal(created.key, "mcpm_secret");
    assert.equal((await client.listApiKeys({})).items[0]?.spec?.principal, "key:ci");
    const document = toJson(StructSchema, await client.getOpenApi({})) as Readonly<Record<string, unknown>>;
    assert.equal(document["openapi"], "3.1.1");
    assert.equal((await client.getHealth({})).version, "1.2.3");
  });
});

test("a deadline ends the work, and says so", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  await using door = await openGrpcDoor({
    operations: {
      getHealth: ({ signal }) => {
        begun.resolve(signal);
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new ManagerError("cancelled", "given up"))),
        );
      },
    },
  });
  const refusal = await refusalOf(door.client().getHealth({}, { timeoutMs: 200 }));
  assert.equal(refusal.code, "DeadlineExceeded");
  const signal = await begun.promise;
  if (!signal.aborted) await once(signal, "abort");
});

test("a caller that cancels ends the work", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  const aborted = Promise.withResolvers<void>();
  await using door = await openGrpcDoor({
    operations: {
      getHealth: ({ signal }) => {
        begun.resolve(signal);
        signal.addEventListener("abort", () => aborted.resolve());
        return new Promise(() => undefined);
      },
    },
  });
  const caller = new AbortController();
  const refusal = refusalOf(door.client().getHealth({}, { signal: caller.signal }));
  await begun.promise;
  caller.abort();
  assert.equal((await refusal).code, "Canceled");
  await aborted.promise;
});

/** Proto's JSON leaves out lists and maps that hold nothing. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const isEmpty = (inner: unknown): boolean =>
    typeof inner === "object" && inner !== null && Object.keys(inner).length === 0;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => !isEmpty(inner))
      .map(([key, inner]) => [key, withoutEmpty(inner)]),
  );
}
