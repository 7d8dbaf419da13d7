/** Requests that are wrong in themselves: each is refused with its own status, in words that name what is wrong. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { openDoor } from "./testing.ts";

test("a wrong body is a problem document that names every field", async () => {
  await using door = await openDoor();
  const answer = await door.ask("/api/v1/servers/weather", {
    method: "PUT",
    json: { spec: { source: { kind: "process" }, x: 1 } },
  });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const problem = (await answer.json()) as { instance: string; errors: readonly { path: string }[] };
  assert.equal(problem.instance, "/api/v1/servers/weather");
  assert.deepEqual(
    problem.errors.map(({ path }) => path),
    ["spec.source.command", "spec.x"],
  );
});

test("what is no JSON, of another type, too long or missing is refused with its own status", async () => {
  await using door = await openDoor();
  const put = async (body: string, type: string): Promise<number> =>
    (await door.ask("/api/v1/servers/weather", { method: "PUT", body, headers: { "content-type": type } })).status;
  assert.equal(await put("{", "application/json"), 400);
  assert.equal(await put("{}", "text/yaml"), 415);
  assert.equal(await put(`"${"x".repeat(1_048_576)}"`, "application/json"), 413);
  assert.equal(await put("", "application/json"), 400);
  assert.equal((await door.ask("/api/v1/servers")).status, 200);
});

test("a body without a length that grows too long is 413, whatever is still to come", async () => {
  await using door = await openDoor();
  const status = await new Promise((resolve, reject) => {
    const request = httpRequest(`${door.url}/api/v1/servers`, {
      method: "POST",
      headers: { authorization: "Bearer admin", "content-type": "application/json", "transfer-encoding": "chunked" },
    });
    request.on("response", (response) => resolve(response.statusCode));
    request.on("error", reject);
    request.write("x".repeat(1_200_000));
  });
  assert.equal(status, 413);
});

test("unknown paths are 404, other methods 405 with Allow, and no credential is 401 everywhere", async () => {
  await using door = await openDoor();
  assert.equal((await door.ask("/api/v1/serverz")).status, 404);
  assert.equal((await door.ask("/")).status, 404);
  assert.equal((await door.ask("/api/v1/servers/%E0%A4%A")).status, 404);
  const patch = await door.ask("/api/v1/servers/weather", { method: "PATCH", json: {} });
  assert.equal(patch.status, 405);
  assert.equal(patch.headers.get("allow"), "HEAD, GET, PUT, DELETE");
  for (const path of ["/api/v1/servers", "/api/v1/nothing", "/metrics", "/"]) {
    const answer = await door.ask(path, { role: "none" });
    assert.equal(answer.status, 401, path);
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer realm="mcp-manager"');
  }
});

test("unknown query parameters are refused", async () => {
  await using door = await openDoor();
  const problem = await door.read("/api/v1/servers?limits=5");
  assert.match(String(problem["detail"]), /\?limits.*did you mean limit\?/);
});
