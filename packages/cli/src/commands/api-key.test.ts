import assert from "node:assert/strict";
import { test } from "node:test";
import { toldManager } from "../testing/manager.ts";
import { type } from "../testing/terminal.ts";

const key = {
  kind: "ApiKey",
  metadata: { name: "ci", createdAt: "2026-01-01T00:00:00Z", labels: {} },
  spec: { principal: "key:ci", roles: ["caller"] },
  status: { hint: "mcpm_abc…" },
};

test("a new key stands alone on stdout, so that a script can keep it", async () => {
  await using manager = await toldManager({ "POST /api/v1/api-keys": [[201, { ...key, key: "mcpm_abcdef" }]] });
  const ran = await type(["api-key", "create", "ci", "--url", manager.url]);
  assert.deepEqual(ran, {
    status: 0,
    stdout: "mcpm_abcdef\n",
    stderr: "keep it now: it is not shown again (key:ci, caller)\n",
  });
  await type([
    "api-key",
    "create",
    "ci",
    "-r",
    "viewer,operator",
    "--expires",
    "2027-01-01T00:00:00Z",
    "--url",
    manager.url,
  ]);
  assert.deepEqual(
    manager.asked.map(({ body }) => (JSON.parse(body) as { spec: unknown }).spec),
    [{ roles: ["caller"] }, { roles: ["viewer", "operator"], expiresAt: "2027-01-01T00:00:00Z" }],
  );
});

test("a role that there is not is refused before anything is asked", async () => {
  const { status, stderr } = await type("api-key create ci --role king --url http://127.0.0.1:9");
  assert.equal(status, 2);
  assert.match(stderr, /--role takes .*caller.*, not "king"/);
});

test("keys are listed by their beginnings, and revoked by their names", async () => {
  await using manager = await toldManager({
    "GET /api/v1/api-keys": [[200, { items: [key] }]],
    "DELETE /api/v1/api-keys/ci": [[200, key]],
  });
  const list = await type(["api-key", "list", "--url", manager.url]);
  assert.match(
    list.stdout,
    /^NAME +PRINCIPAL +ROLES +AGE +EXPIRES +BEGINS WITH\nci +key:ci +caller +\S+ +never +mcpm_abc…\n$/,
  );
  const removed = await type(["api-key", "delete", "ci", "--url", manager.url]);
  assert.equal(removed.stdout, "API key ci is revoked\n");
});
