import assert from "node:assert/strict";
import { test } from "node:test";
import type { Server } from "@mcp-manager/api";
import { hiddenValue, revisionName } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const weather = {
  metadata: { name: "weather" },
  spec: { source: { kind: "process", command: "npx", args: ["weather"] } },
};
const remote = {
  spec: { source: { kind: "remote", url: "https://example.com/mcp", headers: { Authorization: "Bearer s" } } },
};

async function putWeather(door: Door, spec: object = {}): Promise<Server> {
  const json = { ...weather, spec: { ...weather.spec, ...spec } };
  return (await door.read("/api/v1/servers/weather", { method: "PUT", json })) as unknown as Server;
}

async function addReplicas(door: Door, count: number): Promise<void> {
  for (let index = 1; index <= count; index += 1) {
    await door.registry.resources(kinds.Replica).create({
      name: `weather-1-r${index}`,
      spec: { server: "weather", revision: "weather-1", node: "here", restartRound: 0 },
    });
  }
}

async function revisionNames(door: Door): Promise<readonly string[]> {
  const { items } = (await door.read("/api/v1/servers/weather/revisions")) as { items: readonly Server[] };
  return items.map(({ metadata }) => metadata.name);
}

test("PUT creates with 201, changes with 200, and the ETag is the spec's revision", async () => {
  await using door = await openDoor();
  const created = await door.ask("/api/v1/servers/weather", { method: "PUT", json: weather });
  assert.equal(created.status, 201);
  const first = (await created.json()) as Server;
  assert.equal(created.headers.get("etag"), `"${first.metadata.revision}"`);
  assert.equal(created.headers.get("cache-control"), "no-store");
  assert.deepEqual([first.kind, first.metadata.generation, first.status.state], ["Server", 1, "pending"]);
  const changed = await door.ask("/api/v1/servers/weather", {
    method: "PUT",
    json: { ...weather, spec: { ...weather.spec, replicas: 2 } },
  });
  assert.equal(changed.status, 200);
  const second = (await changed.json()) as Server;
  assert.deepEqual([second.metadata.generation, second.spec.replicas], [2, 2]);
  const read = await door.ask("/api/v1/servers/weather");
  assert.equal(read.headers.get("etag"), changed.headers.get("etag"));
});

test("applying the same again writes nothing", async () => {
  await using door = await openDoor();
  const first = await putWeather(door);
  assert.deepEqual(await putWeather(door), first);
});

test("a revision is made by a changed runnable part only, in the same transaction, with its digest", async () => {
  await using door = await openDoor();
  await putWeather(door);
  await putWeather(door, { replicas: 3, limits: { callTimeout: "5s" } });
  assert.deepEqual(await revisionNames(door), ["weather-1"]);
  await putWeather(door, { limits: { memory: "1GiB" } });
  assert.deepEqual(await revisionNames(door), ["weather-2", "weather-1"]);
  const revision = await door.registry.resources(kinds.Revision).require(revisionName("weather", 2));
  assert.equal(revision.spec.limits.memory, "1GiB");
  assert.match(revision.status.digest, /^sha256:[0-9a-f]{64}$/);
});

test("If-Match with an old revision is 412 with the Server as it is, and nothing is written", async () => {
  await using door = await openDoor();
  const first = await putWeather(door);
  const second = await putWeather(door, { replicas: 2 });
  const stale = await door.ask("/api/v1/servers/weather", {
    method: "PUT",
    json: { ...weather, spec: { ...weather.spec, replicas: 9 } },
    headers: { "if-match": `"${first.metadata.revision}"` },
  });
  assert.equal(stale.status, 412);
  assert.equal(stale.headers.get("etag"), `"${second.metadata.revision}"`);
  const problem = (await stale.json()) as { code: string; status: number; current: Server };
  assert.deepEqual([problem.code, problem.status, problem.current.spec.replicas], ["conflict", 412, 2]);
  assert.equal((await putWeather(door, { replicas: 2 })).metadata.revision, second.metadata.revision);
});

test("If-Match with the present revision writes; on an unknown server it is 412", async () => {
  await using door = await openDoor();
  const first = await putWeather(door);
  const headers = { "if-match": `"${first.metadata.revision}"` };
  const json = { ...weather, spec: { ...weather.spec, replicas: 2 } };
  assert.equal((await door.ask("/api/v1/servers/weather", { method: "PUT", json, headers })).status, 200);
  const unknown = await door.ask("/api/v1/servers/other", {
    method: "PUT",
    json: remote,
    headers: { "if-match": "*" },
  });
  assert.equal(unknown.status, 412);
  for (const words of ["absent", "W/1", '"x"']) {
    const strange = { method: "PUT", json: remote, headers: { "if-match": words } };
    assert.equal((await door.ask("/api/v1/servers/other", strange)).status, 412, words);
  }
});

test("of many writers with the same If-Match exactly one wins", async () => {
  await using door = await openDoor();
  const headers = { "if-match": `"${(await putWeather(door)).metadata.revision}"` };
  const writers = [2, 3, 4, 5, 6].map((replicas) =>
    door.ask("/api/v1/servers/weather", {
      method: "PUT",
      json: { ...weather, spec: { ...weather.spec, replicas } },
      headers,
    }),
  );
  const statuses = (await Promise.all(writers)).map(({ status }) => status);
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 412, 412, 412, 412],
  );
});

test("writers without If-Match all get through, and each runnable change has its revision", async () => {
  await using door = await openDoor();
  await putWeather(door);
  await Promise.all(["1GiB", "2GiB", "3GiB"].map((memory) => putWeather(door, { limits: { memory } })));
  assert.deepEqual(await revisionNames(door), ["weather-4", "weather-3", "weather-2", "weather-1"]);
});

test("dryRun answers as if and writes nothing", async () => {
  await using door = await openDoor();
  const dry = await door.ask("/api/v1/servers/weather?dryRun=true", { method: "PUT", json: weather });
  assert.equal(dry.status, 201);
  assert.equal(((await dry.json()) as Server).spec.replicas, 1);
  assert.equal((await door.ask("/api/v1/servers/weather")).status, 404);
});

test("POST creates once; the second is 409 already_exists", async () => {
  await using door = await openDoor();
  assert.equal((await door.ask("/api/v1/servers", { method: "POST", json: weather })).status, 201);
  const again = await door.ask("/api/v1/servers", { method: "POST", json: weather });
  assert.equal(again.status, 409);
  assert.equal(((await again.json()) as { code: string }).code, "already_exists");
});

test("each role does what it may and nothing else", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const status = async (
    role: "operator" | "caller" | "viewer",
    method: string,
    path: string,
    json?: unknown,
  ): Promise<number> => (await door.ask(path, { role, method, ...(json === undefined ? {} : { json }) })).status;
  assert.equal(await status("viewer", "GET", "/api/v1/servers"), 200);
  assert.equal(await status("viewer", "GET", "/api/v1/servers/weather/logs"), 403);
  assert.equal(await status("viewer", "DELETE", "/api/v1/servers/weather"), 403);
  assert.equal(await status("caller", "GET", "/api/v1/servers"), 403);
  assert.equal(await status("caller", "POST", "/api/v1/servers/weather/tools/echo/call", {}), 200);
  assert.equal(await status("operator", "PUT", "/api/v1/servers/r", remote), 201);
  assert.equal(await status("operator", "PUT", "/api/v1/servers/weather", weather), 403);
  assert.equal(await status("operator", "GET", "/api/v1/api-keys"), 403);
  const refusal = await door.read("/api/v1/servers/p", {
    method: "PUT",
    role: "operator",
    json: { spec: weather.spec },
  });
  assert.equal(
    refusal["detail"],
    'key:operator (role operator) may not have a command started (server "p"): that needs processes:write',
  );
});

test("values of env and headers are shown to those who may write them, references to everybody", async () => {
  await using door = await openDoor();
  const env = { TOKEN: "hunter2", REF: "${env:X}", FALLBACK: "${env:X:-hunter2}" };
  const json = { spec: { source: { kind: "process", command: "npx", env } } };
  await door.ask("/api/v1/servers/weather", { method: "PUT", json });
  await door.ask("/api/v1/servers/r", { method: "PUT", json: remote });
  const seen = async (role: "admin" | "operator" | "viewer"): Promise<readonly unknown[]> => {
    const { items } = (await door.read("/api/v1/servers", { role })) as unknown as { items: readonly Server[] };
    return items.map(({ spec }) => (spec.source.kind === "process" ? spec.source.env : spec.source.headers));
  };
  const hidden = { TOKEN: hiddenValue, REF: "${env:X}", FALLBACK: hiddenValue };
  const headers = { Authorization: "Bearer s" };
  assert.deepEqual(await seen("admin"), [headers, env]);
  assert.deepEqual(await seen("operator"), [headers, hidden]);
  assert.deepEqual(await seen("viewer"), [{ Authorization: hiddenValue }, hidden]);
  const revisions = JSON.stringify(await door.read("/api/v1/servers/weather/revisions", { role: "viewer" }));
  assert.doesNotMatch(revisions, /hunter2/);
});

test("what a server wrote before it failed is shown to those who may read its log", async () => {
  await using door = await openDoor();
  await door.ask("/api/v1/servers/weather", { method: "PUT", json: remote });
  const servers = door.registry.resources(kinds.Server);
  const at = "2027-01-01T00:00:00Z";
  const events = await door.ask("/api/v1/events?snapshot=true", { role: "viewer" });
  const lastFailure = { stage: "run" as const, message: "it ended", at, stderr: ["password: hunter2"] };
  await servers.updateStatus("weather", (server) => ({ ...server.status, state: "failed", lastFailure }));
  for (const role of ["operator", "viewer"] as const) {
    for (const path of ["servers/weather", "servers", "health"]) {
      const text = JSON.stringify(await door.read(`/api/v1/${path}`, { role }));
      assert.match(text, /it ended/, path);
      assert.equal(text.includes("hunter2"), role === "operator", `${role} ${path}`);
    }
  }
  let told = "";
  for await (const chunk of events.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    told += chunk;
    if (told.includes("it ended")) break;
  }
  assert.doesNotMatch(told, /hunter2/);
});

test("lists come in pages that together hold everything once, by label too", async () => {
  await using door = await openDoor();
  for (const name of ["a", "b", "c", "d", "e"]) {
    const labels = name < "c" ? { team: "x" } : {};
    await door.ask(`/api/v1/servers/${name}`, { method: "PUT", json: { ...remote, metadata: { labels } } });
  }
  const names: string[] = [];
  let cursor = "";
  do {
    const page = (await door.read(`/api/v1/servers?limit=2${cursor}`)) as {
      items: readonly Server[];
      nextCursor?: string;
    };
    names.push(...page.items.map(({ metadata }) => metadata.name));
    cursor = page.nextCursor === undefined ? "" : `&cursor=${page.nextCursor}`;
  } while (cursor !== "");
  assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
  const labelled = (await door.read("/api/v1/servers?labels=team=x")) as { items: readonly Server[] };
  assert.equal(labelled.items.length, 2);
  assert.equal((await door.ask("/api/v1/servers?cursor=nonsense")).status, 400);
});

test("DELETE answers 202 and draining, keeps the Server until its replicas have gone, and refuses changes meanwhile", async () => {
  await using door = await openDoor();
  await putWeather(door);
  await addReplicas(door, 1);
  const answer = await door.ask("/api/v1/servers/weather", { method: "DELETE" });
  assert.equal(answer.status, 202);
  assert.equal(((await answer.json()) as Server).status.state, "draining");
  const kept = (await door.read("/api/v1/servers/weather")) as unknown as Server;
  assert.equal(kept.status.state, "draining");
  assert.ok(kept.metadata.deletedAt);
  assert.ok(await door.registry.resources(kinds.Replica).get("weather-1-r1"));
  const change = await door.ask("/api/v1/servers/weather", { method: "PUT", json: weather });
  assert.equal(change.status, 409);
  assert.match(((await change.json()) as { detail: string }).detail, /being deleted/);
  assert.equal((await door.ask("/api/v1/servers/unknown", { method: "DELETE" })).status, 404);
});

test("DELETE with force takes the replicas' records away at once", async () => {
  await using door = await openDoor();
  await putWeather(door);
  await addReplicas(door, 2);
  assert.equal((await door.ask("/api/v1/servers/weather?force=true", { method: "DELETE" })).status, 202);
  assert.deepEqual((await door.registry.resources(kinds.Replica).list()).items, []);
});

test("restart raises the round of all replicas, or of the one named", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const restart = (json?: unknown): Promise<Response> =>
    door.ask("/api/v1/servers/weather/restart", { method: "POST", ...(json === undefined ? {} : { json }) });
  assert.equal((await restart()).status, 409);
  await addReplicas(door, 2);
  assert.equal((await restart()).status, 202);
  assert.equal((await restart({ replica: "weather-1-r2" })).status, 202);
  const { items } = await door.registry.resources(kinds.Replica).list();
  assert.deepEqual(
    items.map(({ spec }) => spec.restartRound),
    [1, 2],
  );
  assert.equal((await restart({ replica: "other-1-r1" })).status, 404);
  assert.equal((await restart({ replicas: 1 })).status, 400);
});

test("a tool call passes numbers through digit by digit and the result byte by byte", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const answer = await door.ask("/api/v1/servers/weather/tools/echo/call", {
    method: "POST",
    body: '{"arguments":{"id":12345678901234567890,"x":1.0,"e":1e400}}',
    headers: { "content-type": "application/json" },
  });
  assert.equal(await answer.text(), '{"content":[],"structuredContent":{"id":12345678901234567890,"x":1.0,"e":1e400}}');
});

test("failures of a tool call have their codes, and ours keep their details in the log", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const call = (tool: string): Promise<Response> =>
    door.ask(`/api/v1/servers/weather/tools/${tool}/call`, { method: "POST", json: {} });
  assert.equal((await call("unknown")).status, 404);
  const broken = await call("broken");
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /secret detail/);
  assert.match(door.failures[0]?.message ?? "", /secret detail/);
  assert.equal((await door.ask("/api/v1/servers/nobody/tools/x/call", { method: "POST", json: {} })).status, 404);
});

test("logs come as plain lines or as events, with the replica's name where there are several", async () => {
  await using door = await openDoor();
  await putWeather(door);
  await addReplicas(door, 1);
  door.lines.push({ replica: "weather-1-r1", at: "2027-01-01T00:00:00Z", text: "hello" });
  const plain = await door.ask("/api/v1/servers/weather/logs?tail=5");
  assert.deepEqual([plain.headers.get("content-type"), await plain.text()], ["text/plain; charset=utf-8", "hello\n"]);
  assert.equal(door.logQueries[0]?.tail, 5);
  const events = await door.ask("/api/v1/servers/weather/logs", { headers: { accept: "text/event-stream" } });
  assert.equal(
    await events.text(),
    'event: log\ndata: {"replica":"weather-1-r1","at":"2027-01-01T00:00:00Z","text":"hello"}\n\n',
  );
  await door.registry.resources(kinds.Replica).create({
    name: "weather-1-r2",
    spec: { server: "weather", revision: "weather-1", node: "here", restartRound: 0 },
  });
  assert.equal(await (await door.ask("/api/v1/servers/weather/logs")).text(), "weather-1-r1 | hello\n");
  assert.equal((await door.ask("/api/v1/servers/weather/logs?replica=nope")).status, 404);
});

test("a reader of followed logs that goes away is noticed", async () => {
  await using door = await openDoor();
  await putWeather(door);
  door.lines.push({ replica: "r", at: "2027-01-01T00:00:00Z", text: "hello" });
  const reader = new AbortController();
  const answer = await door.ask("/api/v1/servers/weather/logs?follow=true", { signal: reader.signal });
  const chunk = await answer.body?.getReader().read();
  assert.equal(Buffer.from(chunk?.value ?? []).toString(), "hello\n");
  const { signal } = door.logQueries[0] ?? assert.fail("the logs were not asked");
  const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
  reader.abort();
  await gone;
});

test("an API key shows itself once", async () => {
  await using door = await openDoor();
  const json = { metadata: { name: "ci" }, spec: { roles: ["caller"] } };
  const created = await door.ask("/api/v1/api-keys", { method: "POST", json });
  assert.equal(created.status, 201);
  assert.equal(((await created.json()) as { key: string }).key, "mcpm_secret");
  assert.doesNotMatch(JSON.stringify(await door.read("/api/v1/api-keys")), /mcpm_secret/);
  const read = await door.read("/api/v1/api-keys/ci");
  assert.deepEqual(read["spec"], { principal: "key:ci", roles: ["caller"] });
  assert.equal((await door.ask("/api/v1/api-keys", { method: "POST", json })).status, 409);
  assert.equal((await door.ask("/api/v1/api-keys/ci", { method: "DELETE" })).status, 200);
  assert.equal((await door.ask("/api/v1/api-keys/ci", { method: "DELETE" })).status, 404);
});

test("health names every server with its state, the probes say their one thing", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const health = await door.read("/api/v1/health");
  assert.deepEqual([health["status"], health["version"], health["store"]], ["degraded", "1.2.3", "ok"]);
  assert.deepEqual(health["servers"], [{ name: "weather", state: "pending", replicas: { desired: 0, ready: 0 } }]);
  assert.equal((await door.ask("/health", { role: "none" })).status, 200);
  assert.equal((await door.ask("/ready", { role: "none" })).status, 200);
  door.ready = "the configuration is not read yet";
  const unready = await door.ask("/ready", { role: "none" });
  assert.deepEqual([unready.status, unready.headers.get("retry-after")], [503, "1"]);
  assert.equal(await (await door.ask("/metrics")).text(), "mcp_manager_up 1\n");
  assert.equal((await door.ask("/metrics", { role: "caller" })).status, 403);
  assert.equal((await door.ask("/health", { method: "POST" })).status, 405);
});

test("HEAD is answered like GET, without a body", async () => {
  await using door = await openDoor();
  await putWeather(door);
  const head = await door.ask("/api/v1/servers/weather", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.ok(head.headers.get("etag"));
  assert.equal(await head.text(), "");
});
