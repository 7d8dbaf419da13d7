/** Calls that do not go well at once: what is sent again and what never is, how long all of it may take, and what is said. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { ManagerError, toProblem } from "@mcp-manager/api";
import { Client } from "./client.ts";
import { systemClock } from "./clock.ts";
import { HastyClock, openFake } from "./testing/fake-manager.ts";

const noReplica = new ManagerError("unavailable", "no replica is ready", { retryAfterMs: 700 });

function refuse(response: ServerResponse, error: ManagerError, status = 503): void {
  response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(toProblem(error)));
}

/** Rejects as Node's `fetch` does when a connection did not come about, and counts. */
function failing(code: string, syscall?: string): { readonly fetch: typeof fetch; readonly count: () => number } {
  let count = 0;
  const cause = Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) });
  const reject = (): Promise<Response> => {
    count += 1;
    return Promise.reject(new TypeError("fetch failed", { cause }));
  };
  return { fetch: reject, count: () => count };
}

test("a read whose connection breaks is sent again, and the caller sees nothing of it", async () => {
  await using fake = await openFake((_request, response, before) => {
    if (before > 1) return void response.end('{"items":[1]}');
    if (before === 1) response.writeHead(200, { "content-length": 100 }).write('{"items":[');
    setImmediate(() => response.destroy());
  });
  assert.deepEqual(await fake.client.servers.list(), { items: [1] });
  assert.equal(fake.asked.length, 3);
  assert.deepEqual(fake.pauses, [100, 200]);
});

test("what may have been carried out is not sent again, and the error says so", async () => {
  await using fake = await openFake((_request, response) => response.destroy());
  const doubt = { reason: "MANAGER_CONNECTION_LOST", retryable: false, message: /was carried out is not known/ };
  await assert.rejects(fake.client.tools.call("s", "t"), doubt);
  await assert.rejects(fake.client.servers.create({ metadata: { name: "n" }, spec: remote }), doubt);
  const guarded = fake.client.servers.apply({ metadata: { name: "n" }, spec: remote }, { ifRevision: "7" });
  await assert.rejects(guarded, doubt);
  assert.equal(fake.asked.length, 3);
});

const remote = { source: { kind: "remote" as const, url: "https://example.com/mcp" } };

test("a call that was refused until later is sent again then, not sooner, whatever it is", async () => {
  await using fake = await openFake((_request, response, before) =>
    before < 2 ? refuse(response, noReplica) : response.end('{"content":[]}'),
  );
  assert.deepEqual(await fake.client.tools.call("s", "t"), { content: [] });
  assert.deepEqual(fake.pauses, [800, 900]);
});

test("a refusal of what may have been carried out all the same is the end of it", async () => {
  const broken = new ManagerError("unavailable", "the replica has ended", { retryAfterMs: 700, retryable: false });
  await using fake = await openFake((_request, response) => refuse(response, broken));
  await assert.rejects(fake.client.tools.call("s", "t"), { code: "unavailable", retryAfterMs: 700, retryable: false });
  assert.equal(fake.asked.length, 1);
});

test("somebody in between who says when to come again is believed too", async () => {
  await using fake = await openFake((_request, response, before) =>
    before === 0 ? response.writeHead(503, { "retry-after": "2" }).end("<html>") : response.end("{}"),
  );
  await fake.client.tools.call("s", "t");
  assert.deepEqual(fake.pauses, [2_100]);
});

test("three retries are the most, and a client may want fewer", async () => {
  await using fake = await openFake((_request, response) => refuse(response, noReplica));
  await assert.rejects(fake.client.health(), { code: "unavailable", retryAfterMs: 700, message: noReplica.message });
  assert.equal(fake.asked.length, 4);
  const once = new Client({ url: fake.url, retries: 0, clock: new HastyClock() });
  await assert.rejects(once.health(), { code: "unavailable" });
  assert.equal(fake.asked.length, 5);
  assert.throws(() => new Client({ url: fake.url, retries: 4 }), { code: "invalid_argument", message: /from 0 to 3/ });
});

test("an answer that no retry would change is given at once", async () => {
  const wrong = new ManagerError("invalid_argument", "1 field is wrong", {
    reason: "INVALID_FIELDS",
    fields: [{ path: "spec.replicas", given: "-1", expected: "a whole number" }],
  });
  await using fake = await openFake((_request, response) => refuse(response, wrong, 400));
  await assert.rejects(fake.client.servers.list(), ({ code, reason, fields }: ManagerError) => {
    assert.deepEqual([code, reason, fields], [wrong.code, wrong.reason, wrong.fields]);
    return true;
  });
  assert.equal(fake.asked.length, 1);
});

test("nobody waits for a retry that would come too late: the reason is told instead", async () => {
  const later = new ManagerError("resource_exhausted", "too many calls", { retryAfterMs: 90_000 });
  await using fake = await openFake((_request, response) => refuse(response, later, 429));
  const call = fake.client.servers.list({ timeoutMs: 80_000 });
  await assert.rejects(call, { code: "resource_exhausted", retryAfterMs: 90_000 });
  assert.deepEqual([fake.asked.length, fake.pauses], [1, []]);
});

test("a call ends when its time is over, however it is spent", async () => {
  await using fake = await openFake(
    (request, response) => {
      if (request.url === "/api/v1/health") return;
      response.writeHead(200).write("[");
    },
    { clock: systemClock, timeoutMs: 30 },
  );
  const late = { code: "deadline_exceeded", reason: "CLIENT_TIMEOUT", message: /\/api\/v1\/.* within 30 ms/ };
  await assert.rejects(fake.client.health(), late);
  await assert.rejects(fake.client.openApi(), late);
  await assert.rejects(fake.client.health({ timeoutMs: Number.NaN }), { code: "invalid_argument" });
});

test("a caller who gives up hears its own reason, in an answer and in a pause alike", async () => {
  const reason = new Error("enough");
  const ended = new AbortController();
  await using fake = await openFake((_request, response, before) => {
    if (before > 0) return ended.abort(reason);
    refuse(response, noReplica);
  });
  await assert.rejects(fake.client.health({ signal: ended.signal }), reason);
  assert.equal(fake.asked.length, 2);
  await assert.rejects(fake.client.health({ signal: ended.signal }), reason);
  assert.equal(fake.asked.length, 2, "it had given up before");
  const pausing = new AbortController();
  const never = {
    nowMs: () => 0,
    after: () => (setImmediate(() => pausing.abort(reason)), { cancel: () => undefined }),
  };
  const patient = new Client({ url: "http://a.example", fetch: failing("ECONNREFUSED").fetch, clock: never });
  await assert.rejects(patient.health({ signal: pausing.signal }), reason);
});

test("where nobody listens even a tool call is tried again, and the error says why nobody answered", async () => {
  for (const [code, syscall, why] of [
    ["ECONNREFUSED", "connect", /nothing listens there/],
    ["ENOTFOUND", "getaddrinfo", /host name is unknown/],
    ["EHOSTUNREACH", "connect", /EHOSTUNREACH/],
    ["UND_ERR_CONNECT_TIMEOUT", undefined, /does not answer/],
  ] as const) {
    const { fetch, count } = failing(code, syscall);
    const client = new Client({ url: "http://a.example", fetch, clock: new HastyClock() });
    await assert.rejects(client.tools.call("s", "t"), { reason: "MANAGER_UNREACHABLE", retryable: true, message: why });
    assert.equal(count(), 4, code);
  }
});

test("a certificate that is not trusted is no reason to try again", async () => {
  const { fetch, count } = failing("DEPTH_ZERO_SELF_SIGNED_CERT");
  const client = new Client({ url: "https://a.example", fetch, clock: new HastyClock() });
  await assert.rejects(client.health(), { reason: "MANAGER_UNREACHABLE", retryable: false, message: /not trusted/ });
  assert.equal(count(), 1);
});

test("a port that fetch asks nobody on is told at once", async () => {
  const client = new Client({ url: "http://127.0.0.1:9", clock: new HastyClock() });
  await assert.rejects(client.tools.call("s", "t"), { reason: "MANAGER_UNREACHABLE", message: /choose another/ });
});

test("a browser says nothing, so the error says what may be wrong, and only reads are tried again", async () => {
  let count = 0;
  const mute = (): Promise<Response> => {
    count += 1;
    return Promise.reject(new TypeError("Failed to fetch"));
  };
  const client = new Client({ url: "http://a.example", fetch: mute, clock: new HastyClock() });
  await assert.rejects(client.tools.call("s", "t"), { reason: "MANAGER_UNREACHABLE", message: /allowedOrigins/ });
  assert.equal(count, 1);
  await assert.rejects(client.tools.list("s"), { message: /Failed to fetch/ });
  assert.equal(count, 5);
});

test("a key may end in a line end, and nothing else in it may be wrong; what cannot be sent is told before", async () => {
  await using fake = await openFake((_request, response) => response.end("{}"));
  await new Client({ url: fake.url, key: "k1\n" }).health();
  assert.equal(fake.asked[0]?.headers.authorization, "Bearer k1");
  for (const key of ["", "a b", "k\nx: y", "ü"])
    assert.throws(() => new Client({ url: fake.url, key }), { code: "invalid_argument" }, JSON.stringify(key));
  await assert.rejects(fake.client.tools.call("s", "t", { n: 1n }), { code: "invalid_argument", message: /JSON/ });
  assert.equal(fake.asked.length, 1);
});
