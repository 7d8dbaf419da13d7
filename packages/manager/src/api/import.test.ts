/** The import through the REST door; what a client's file looks like is the business of `config/import.ts`, of which a stand-in reads here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImportAnswer } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Ask, Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const token = "the-very-value";
const withToken = { kind: "process", command: "weather", env: { API_TOKEN: token, LOG: "info" } };
const remote = { kind: "remote", url: "https://x.example/mcp" };

/** Imports the servers; no answer may hold the token. */
async function importOf(door: Door, servers: object, query = "", ask: Ask = {}): Promise<ImportAnswer> {
  const json = { text: JSON.stringify(servers), filename: "/home/ada/mcp.json" };
  const answer = await door.read(`/api/v1/import${query}`, { method: "POST", json, ...ask });
  assert.ok(!JSON.stringify(answer).includes(token), JSON.stringify(answer));
  return answer as unknown as ImportAnswer;
}

function outcomesOf({ servers }: ImportAnswer): readonly string[] {
  return servers.map(({ name, outcome }) => `${name} ${outcome}`);
}

async function errorOf(door: Door, servers: object, query = "", ask: Ask = {}): Promise<string> {
  const [server] = (await importOf(door, servers, query, ask)).servers;
  assert.equal(server?.outcome, "refused");
  return `${server.error?.code}: ${server.error?.message}`;
}

test("servers are registered, and their literal secrets kept as Secrets that they refer to", async () => {
  await using door = await openDoor();
  const answer = await importOf(door, { weather: withToken, far: remote });
  assert.deepEqual(outcomesOf(answer), ["weather created", "far created"]);
  assert.deepEqual(answer.secrets, [{ name: "weather-api-token", server: "weather", field: "env.API_TOKEN" }]);
  assert.deepEqual(answer.notes, ["read by a stand-in"]);
  assert.equal(answer.servers[0]?.deployment, "weather-1-1");
  const stored = await door.registry.resources(kinds.Server).require("weather");
  assert.deepEqual(stored.spec.source.kind === "process" && stored.spec.source.env, {
    API_TOKEN: "${secret:weather-api-token}",
    LOG: "info",
  });
  const secret = await door.read("/api/v1/secrets/weather-api-token");
  assert.deepEqual(secret["status"], { usedBy: ["server weather"] });
});

test("the same file again changes nothing, also where labels were given since", async () => {
  await using door = await openDoor();
  await importOf(door, { weather: withToken });
  const before = await door.registry.resources(kinds.Server).require("weather");
  const labelled = { metadata: { labels: { team: "a" } }, spec: before.spec };
  await door.read("/api/v1/servers/weather", { method: "PUT", json: labelled });
  const again = await importOf(door, { weather: withToken });
  assert.deepEqual(outcomesOf(again), ["weather unchanged"]);
  const { metadata } = await door.registry.resources(kinds.Server).require("weather");
  assert.deepEqual([metadata.labels, metadata.generation], [{ team: "a" }, 1]);
});

test("what is registered otherwise is refused, and changed only when that is asked for", async () => {
  await using door = await openDoor();
  await importOf(door, { weather: withToken });
  const other = { weather: { ...withToken, args: ["-v"] } };
  assert.match(
    await errorOf(door, other),
    /^already_exists: server "weather" is registered otherwise: import with rep/,
  );
  assert.deepEqual(outcomesOf(await importOf(door, other, "?replace=true")), ["weather changed"]);
});

test("another value of a secret is a change, which is said to wait for the next start", async () => {
  await using door = await openDoor();
  await importOf(door, { weather: withToken });
  const other = { weather: { ...withToken, env: { ...withToken.env, API_TOKEN: `${token}-2` } } };
  assert.match(
    await errorOf(door, other),
    /env\.API_TOKEN would be kept as the secret weather-api-token, which has ano/,
  );
  const { servers } = await importOf(door, other, "?replace=true");
  assert.deepEqual(servers, [
    {
      name: "weather",
      outcome: "changed",
      notes: ["it takes its new secrets at its next start: mcp-manager server restart weather"],
    },
  ]);
});

test("a secret that another server uses is never given another value by an import", async () => {
  await using door = await openDoor();
  await importOf(door, { weather: withToken });
  const user = { kind: "process", command: "y", env: { T: "${secret:weather-api-token}" } };
  await importOf(door, { user });
  const other = { weather: { ...withToken, env: { ...withToken.env, API_TOKEN: `${token}-2` } } };
  assert.match(await errorOf(door, other, "?replace=true"), /server user uses it: call the server otherwise/);
});

test("dryRun says the same and changes nothing", async () => {
  await using door = await openDoor();
  const answer = await importOf(door, { weather: withToken }, "?dryRun=true");
  assert.deepEqual([outcomesOf(answer), answer.secrets.length], [["weather created"], 1]);
  assert.deepEqual((await door.read("/api/v1/secrets"))["items"], []);
  assert.deepEqual((await door.read("/api/v1/servers"))["items"], []);
});

test("one that is refused leaves no secrets behind, and the others are done", async () => {
  await using door = await openDoor();
  await importOf(door, { leaving: remote });
  await door.ask("/api/v1/servers/leaving", { method: "DELETE" });
  const servers = { leaving: withToken, weather: withToken, wrong: { kind: "process" } };
  const answer = await importOf(door, servers, "?replace=true");
  assert.deepEqual(outcomesOf(answer), ["leaving refused", "weather created", "wrong refused"]);
  assert.match(answer.servers[2]?.error?.fields?.[0]?.path ?? "", /spec\.source\.command/);
  const { items } = (await door.read("/api/v1/secrets")) as { items: readonly { metadata: { name: string } }[] };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["weather-api-token"],
  );
});

test("a secret keeps its value when the server that brings another is refused", async () => {
  await using door = await openDoor();
  await importOf(door, { weather: withToken });
  const before = await door.read("/api/v1/secrets/weather-api-token");
  await door.read("/api/v1/servers/weather", { method: "DELETE" });
  const other = { weather: { ...withToken, env: { ...withToken.env, API_TOKEN: `${token}-2` } } };
  assert.match(await errorOf(door, other, "?replace=true"), /^failed_precondition: server "weather" is being deleted/);
  assert.deepEqual(await door.read("/api/v1/secrets/weather-api-token"), before);
});

test("secrets that are referred to and not set are named, with what sets them", async () => {
  await using door = await openDoor();
  const asks = { ...remote, headers: { Authorization: "Bearer ${secret:github-pat}" } };
  const [server] = (await importOf(door, { asks })).servers;
  assert.deepEqual(server?.notes, [
    "it needs the secret github-pat, which is not set yet: mcp-manager secret set github-pat",
  ]);
});

test("names of secrets are legal and all different", async () => {
  await using door = await openDoor();
  const long = "a-server-with-a-very-long-name-of-its-own";
  const env = { API_KEY: "v1", Api_Key: "v2", ANOTHER_RATHER_LONG_API_KEY: "v3" };
  const answer = await importOf(door, { [long.slice(0, 40)]: { kind: "process", command: "x", env } });
  const names = answer.secrets.map(({ name }) => name);
  assert.equal(new Set(names).size, 3);
  for (const name of names) assert.match(name, /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])$/);
});

test("who may not start commands imports the others", async () => {
  await using door = await openDoor();
  const servers = { weather: withToken, far: remote, keyed: { ...remote, headers: { Authorization: "Bearer abc" } } };
  const answer = await importOf(door, servers, "", { role: "operator" });
  assert.deepEqual(outcomesOf(answer), ["weather refused", "far created", "keyed refused"]);
  assert.deepEqual(
    answer.servers.flatMap(({ error }) => error?.code ?? []),
    ["permission_denied", "permission_denied"],
  );
  assert.equal((await door.ask("/api/v1/import", { method: "POST", json: {}, role: "viewer" })).status, 403);
});

test("a body is a document, or a text with its name", async () => {
  await using door = await openDoor();
  const refused = async (json: unknown): Promise<string> => {
    const answer = await door.read("/api/v1/import", { method: "POST", json });
    assert.equal(answer["code"], "invalid_argument");
    return String(answer["detail"]);
  };
  assert.match(await refused([]), /the whole: given an empty list, expected a client's configuration/);
  assert.match(await refused({ text: 5 }), /text: given a number, expected text/);
  assert.match(
    await refused({ text: "{}", filename: "x", mode: token }),
    /mode: given something, expected no such field/,
  );
  const document = await door.read("/api/v1/import", { method: "POST", json: { far: remote } });
  assert.deepEqual(outcomesOf(document as unknown as ImportAnswer), ["far created"]);
  const long = { text: JSON.stringify({ far: { ...remote, headers: { "X-Long": '"'.repeat(600_000) } } }) };
  assert.equal((await door.ask("/api/v1/import", { method: "POST", json: long })).status, 200);
});
