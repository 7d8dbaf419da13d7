/** Secrets through the REST door: they go in, and nothing of them comes out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDoor } from "./testing.ts";

const value = "the-very-value";
const body = { metadata: { name: "token" }, spec: { value } };
const source = { kind: "process", command: "node", args: ["--key=${secret:token}"], env: { T: "x${secret:other}" } };

test("a secret is made, listed, changed and deleted, and no answer holds its value", async () => {
  await using door = await openDoor();
  const answers: string[] = [];
  const ask = async (path: string, options: object = {}): Promise<number> => {
    const response = await door.ask(path, options);
    answers.push(await response.text(), JSON.stringify([...response.headers]));
    return response.status;
  };
  assert.equal(await ask("/api/v1/secrets", { method: "POST", json: body }), 201);
  assert.equal(await ask("/api/v1/secrets", { method: "POST", json: body }), 409);
  assert.equal(await ask("/api/v1/secrets/token", { method: "PUT", json: { spec: { value: `${value}-2` } } }), 200);
  assert.equal(await ask("/api/v1/secrets/other", { method: "PUT", json: { spec: { value } } }), 201);
  assert.equal(await ask("/api/v1/secrets/token"), 200);
  assert.equal(await ask("/api/v1/secrets?limit=1"), 200);
  assert.equal(await ask("/api/v1/secrets/other", { method: "DELETE" }), 200);
  assert.equal(await ask("/api/v1/secrets/other"), 404);
  assert.equal(answers.filter((text) => text.includes(value)).length, 0, answers.join("\n"));
  const { items } = (await door.read("/api/v1/secrets")) as { items: readonly object[] };
  const [only] = items as readonly { readonly metadata: { readonly generation: number }; readonly spec: object }[];
  assert.deepEqual([items.length, only?.metadata.generation, only?.spec], [1, 2, {}]);
});

test("whoever puts a value into the wrong place does not read it in the refusal", async () => {
  await using door = await openDoor();
  const wrong = [
    { spec: value },
    { spec: { value: "" } },
    { spec: { value: [value] } },
    { spec: { value: `${value}\0` } },
    { spec: { valeu: value } },
    { spec: { value: "x".repeat(65_537) } },
    { value },
    value,
  ];
  for (const json of wrong) {
    const refusal = await door.read("/api/v1/secrets/token", { method: "PUT", json });
    assert.equal(refusal["code"], "invalid_argument", JSON.stringify(json).slice(0, 80));
    assert.ok(!JSON.stringify(refusal).includes(value), JSON.stringify(refusal));
  }
  const mismatch = await door.read("/api/v1/secrets/other", { method: "PUT", json: body });
  assert.match(String(mismatch["detail"]), /metadata\.name: given "token", expected other/);
});

test("it says which servers use it, and one in use goes by force only", async () => {
  await using door = await openDoor();
  await door.read("/api/v1/secrets", { method: "POST", json: body });
  await door.read("/api/v1/servers/weather", { method: "PUT", json: { spec: { source } } });
  const secret = await door.read("/api/v1/secrets/token");
  assert.deepEqual(secret["status"], { usedBy: ["server weather"] });
  const refusal = await door.read("/api/v1/secrets/token", { method: "DELETE" });
  assert.equal(refusal["code"], "failed_precondition");
  assert.match(String(refusal["detail"]), /"token" is used by server weather: take its reference out there/);
  assert.equal((await door.ask("/api/v1/secrets/token?force=true", { method: "DELETE" })).status, 200);
});

test("a change that was made for another state is refused with the present one", async () => {
  await using door = await openDoor();
  const { metadata } = (await door.read("/api/v1/secrets", { method: "POST", json: body })) as {
    metadata: { revision: string };
  };
  const put = (revision: string): Promise<Response> => {
    const json = { spec: { value: `${value}-${revision}` } };
    return door.ask("/api/v1/secrets/token", { method: "PUT", json, headers: { "if-match": `"${revision}"` } });
  };
  assert.equal((await put(metadata.revision)).status, 200);
  assert.equal((await put(metadata.revision)).status, 412);
});

test("only who may write secrets has one sent to a server; what is there already may be changed otherwise", async () => {
  await using door = await openDoor();
  await door.read("/api/v1/secrets", { method: "POST", json: body });
  const spec = { source: { kind: "remote", url: "https://x.example", headers: { "X-Key": "${secret:token}" } } };
  const put = async (json: object, role: "admin" | "operator"): Promise<number> =>
    (await door.ask("/api/v1/servers/far", { method: "PUT", json, role })).status;
  assert.equal(await put({ spec }, "operator"), 403);
  assert.equal(await put({ spec }, "admin"), 201);
  assert.equal(await put({ spec: { ...spec, replicas: 2 } }, "operator"), 200);
  const elsewhere = { source: { ...spec.source, url: "https://mine.example" } };
  assert.equal(await put({ spec: elsewhere }, "operator"), 403);
  const deploy = { method: "POST", json: elsewhere, role: "operator" } as const;
  assert.equal((await door.ask("/api/v1/servers/far/deploy", deploy)).status, 403);
});

test("only who may start commands has the manager's files and variables sent to a server", async () => {
  await using door = await openDoor();
  for (const reference of ["${file:/var/lib/mcp-manager/admin.key}", "${env:MCP_MANAGER_ADMIN_KEY}"]) {
    const spec = { source: { kind: "remote", url: "https://mine.example", headers: { "X-Key": reference } } };
    const refused = await door.ask("/api/v1/servers/far", { method: "PUT", json: { spec }, role: "operator" });
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /have the manager's own files or variables sent to a server/);
    assert.ok((await door.ask("/api/v1/servers/far", { method: "PUT", json: { spec } })).ok);
    const replicas = { spec: { ...spec, replicas: 2 } };
    assert.ok((await door.ask("/api/v1/servers/far", { method: "PUT", json: replicas, role: "operator" })).ok);
  }
});

test("only who may write secrets writes them, and only who may read them sees that they are there", async () => {
  await using door = await openDoor();
  const status = async (role: "operator" | "viewer", options: object = {}): Promise<number> =>
    (await door.ask("/api/v1/secrets", { role, ...options })).status;
  assert.deepEqual([await status("operator"), await status("viewer")], [200, 403]);
  assert.equal(await status("operator", { method: "POST", json: body }), 403);
});
