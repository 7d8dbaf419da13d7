/** What a file would change, asked through the door, beside what reading it does change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigDiff, Server, ServerDifference } from "@mcp-manager/api";
import fc from "fast-check";
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

const textBefore = `servers:
  a: { command: x, env: { TOKEN: abc, LOG: "\${env:LOG}" } }
  b: { command: x, replicas: 2 }
  c: { command: x }
  d: { command: x }
`;

test("what would be created, changed, deleted and left is told with fields, and whether it would be deployed", async () => {
  await using door = await openDoor();
  await admit(door, textBefore);
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
  await admit(door, textBefore);
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
  await admit(door, textBefore);
  const guesses = await Promise.all(
    ["abc", "abd"].map((guess) => diff(door, textBefore.replace("abc", guess), { role: "viewer" })),
  );
  assert.deepEqual(guesses[0], guesses[1]);
  await door.registry.resources(kinds.Server).update("a", ({ spec }) => ({ spec: { ...spec, replicas: 7 } }));
  const more = await Promise.all(
    ["abc", "abd"].map((guess) => diff(door, textBefore.replace("abc", guess), { role: "viewer" })),
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

/** Every server, and how many deployments it has had. */
async function world({ registry }: Door): Promise<ReadonlyMap<string, readonly [Server, number]>> {
  const { items } = await registry.resources(kinds.Server).list();
  const deployments = (await registry.resources(kinds.Deployment).list({ limit: 1_000 })).items;
  return new Map(
    items.map((server) => {
      const { name } = server.metadata;
      return [name, [server, deployments.filter(({ spec }) => spec.server === name).length]];
    }),
  );
}

/** What became of one server, in the words of a difference. */
function changeOf(
  [before, deploymentsBefore = 0]: readonly [Server?, number?],
  [after, deploymentsAfter = 0]: readonly [Server?, number?],
): Pick<ServerDifference, "change" | "deployment"> {
  const deployment = deploymentsAfter > deploymentsBefore;
  if (before === undefined) return { change: after === undefined ? "unchanged" : "created", deployment };
  if (after?.metadata.deletedAt !== before.metadata.deletedAt) return { change: "deleted", deployment };
  const isSame = after?.metadata.revision === before.metadata.revision;
  return { change: isSame ? "unchanged" : "changed", deployment };
}

const names = ["a", "b", "c"] as const;
const entry = fc.record({
  command: fc.constantFrom("x", "y"),
  replicas: fc.constantFrom(1, 2),
  labels: fc.constantFrom({}, { team: "t" }),
});
const entries = fc.dictionary(fc.constantFrom(...names), entry, { maxKeys: names.length, noNullPrototype: true });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("read" as const), entries }) },
  fc.record({ kind: fc.constant("put" as const), name: fc.constantFrom(...names), entry }),
  fc.record({ kind: fc.constant("delete" as const), name: fc.constantFrom(...names) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test("whatever was done before, in the file or by other ways, reading a file does what was said of it", async () => {
  const follow = async (steps: readonly Step[]): Promise<void> => {
    await using door = await openDoor();
    const writes = new ServerWrites(door.registry);
    for (const one of steps) {
      if (one.kind === "delete") await door.registry.resources(kinds.Server).delete(one.name);
      if (one.kind === "put")
        await writes.apply(
          load(JSON.stringify({ servers: { [one.name]: one.entry } })).servers[0]?.draft ?? assert.fail(),
        );
      if (one.kind !== "read") continue;
      const text = JSON.stringify({ servers: one.entries });
      const said = new Map((await diff(door, text)).map((server) => [server.name, server]));
      const before = await world(door);
      await admit(door, text);
      const after = await world(door);
      for (const name of names) {
        const { change, deployment } = said.get(name) ?? { change: "unchanged", deployment: false };
        assert.deepEqual({ change, deployment }, changeOf(before.get(name) ?? [], after.get(name) ?? []), name);
      }
      // Its replicas have ended.
      for (const [name, [{ metadata }]] of after)
        if (metadata.deletedAt !== undefined) await door.registry.resources(kinds.Server).delete(name);
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), follow), { numRuns: 40 });
});
