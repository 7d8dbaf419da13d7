/** What a file would change, asked through the door, beside what reading it does change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigDiff, ServerDifference } from "@mcp-manager/api";
import { load } from "../config/testing/load-text.ts";
import { kinds } from "../registry/kinds.ts";
import { type Admission, admitConfigured } from "./configured.ts";
import { ServerWrites } from "./operations/server-writes.ts";
import type { Ask, Door } from "./testing.ts";
import { openDoor } from "./testing.ts";

const file = "/srv/servers.yaml";

/** What reading a file with this text comes to. */
async function admit({ registry }: Door, text: string): Promise<readonly Admission[]> {
  return await admitConfigured(registry, new ServerWrites(registry), { servers: load(text).servers, file });
}

async function diff(door: Door, text: string, ask: Ask = {}): Promise<readonly ServerDifference[]> {
  const answer = await door.read("/api/v1/config/diff", { method: "POST", json: { text }, ...ask });
  return (answer as unknown as ConfigDiff).servers;
}

const before = `servers:
  a: { command: x, env: { TOKEN: abc, LOG: "\${env:LOG}" } }
  b: { command: x, replicas: 2 }
  c: { command: x }
  d: { command: x }
`;

test("what would be created, changed, deleted and left is told with fields, and whether it would be deployed", async () => {
  await using door = await openDoor();
  await admit(door, before);
  const after = `servers:
  a: { command: x, env: { TOKEN: abcd, LOG: "\${env:LOG}" } }
  b: { command: x, replicas: 3, labels: { team: t } }
  c: { command: x }
  e: { url: "https://example.com/mcp?token=sk-012345678901234567890", headers: { A: secret } }
`;
  assert.deepEqual(await diff(door, after), [
    {
      name: "a",
      change: "changed",
      fields: [{ path: "source.env.TOKEN", from: "(hidden)", to: "(hidden)" }],
      deployment: true,
    },
    {
      name: "b",
      change: "changed",
      fields: [
        { path: "labels.team", to: "t" },
        { path: "replicas", from: 2, to: 3 },
      ],
      deployment: false,
    },
    { name: "c", change: "unchanged", fields: [], deployment: false },
    { name: "d", change: "deleted", fields: [], deployment: false },
    {
      name: "e",
      change: "created",
      fields: [
        { path: "source.headers.A", to: "(hidden)" },
        { path: "source.kind", to: "remote" },
        { path: "source.transport", to: "streamable-http" },
        { path: "source.url", to: "https://example.com/mcp?token=[redacted]" },
      ],
      deployment: true,
    },
  ]);
  const outcomes = (await admit(door, after)).map(({ name, outcome }) => `${name} ${outcome}`);
  assert.deepEqual(outcomes, ["a applied", "b applied", "c kept", "e applied", "d removed"]);
  const names = (await diff(door, after)).filter(({ change }) => change !== "unchanged");
  assert.deepEqual(names, []);
});

test("what others did stays, as it does when the file is read, and that is said", async () => {
  await using door = await openDoor();
  await admit(door, before);
  const servers = door.registry.resources(kinds.Server);
  await servers.update("a", ({ spec }) => ({ spec: { ...spec, replicas: 7 } }));
  await servers.delete("b");
  const writes = new ServerWrites(door.registry);
  await servers.delete("c");
  await writes.apply(load("servers: { c: { command: y } }").servers[0]?.draft ?? assert.fail());
  const changes = await diff(
    door,
    'servers:\n  a: { command: x, env: { TOKEN: abc, LOG: "${env:LOG}" } }\n  b: { command: x, replicas: 2 }\n  d: { command: x }\n',
  );
  assert.deepEqual(
    changes.map(({ name, change, message }) => [name, change, message]),
    [
      ["a", "unchanged", "it was changed by other ways, and stays so until its text changes"],
      ["b", "unchanged", "it was deleted by other ways, and stays so until its text changes"],
      ["c", "unchanged", "it is named no more, and stays, since it was made by other ways"],
      ["d", "unchanged", undefined],
    ],
  );
});

test("who may not see a value does not learn by trying whether it is that", async () => {
  await using door = await openDoor();
  await admit(door, before);
  const guesses = await Promise.all(
    ["abc", "abd"].map((guess) => diff(door, before.replace("abc", guess), { role: "viewer" })),
  );
  assert.deepEqual(guesses[0], guesses[1]);
  await door.registry.resources(kinds.Server).update("a", ({ spec }) => ({ spec: { ...spec, replicas: 7 } }));
  const more = await Promise.all(
    ["abc", "abd"].map((guess) => diff(door, before.replace("abc", guess), { role: "viewer" })),
  );
  assert.deepEqual(more[0], more[1]);
});

test("mistakes are told with their places, and whoever may not read servers is refused", async () => {
  await using door = await openDoor();
  const wrong = await door.read("/api/v1/config/diff", {
    method: "POST",
    json: { text: "a: [", filename: "mine.yaml" },
  });
  assert.equal(wrong["reason"], "INVALID_CONFIG");
  assert.match(String(wrong["detail"]), /^mine\.yaml:1:/);
  const refused = await door.ask("/api/v1/config/diff", { method: "POST", json: { text: "" }, role: "caller" });
  assert.equal(refused.status, 403);
  assert.deepEqual((await door.registry.resources(kinds.Server).list()).items, []);
});
