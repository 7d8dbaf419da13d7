/**
 * Everything that a client and a server can have with each other, between the official SDKs of both eras and through the manager: a
 * legacy server over stdio and over HTTP and a modern one, each on the aggregate and on an endpoint of its own.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startCuttableProxy } from "./testing/cuttable-proxy.ts";
import { type Connect, connectLegacy, connectModern, type DeskClient } from "./testing/desk/clients.ts";
import { deskProcess, type DeskServer, startDesk } from "./testing/desk/serve.ts";
import { type ManagerProcess, startManager, until } from "./testing/manager.ts";

const running = new AsyncDisposableStack();
let manager: ManagerProcess;

before(async () => {
  const legacy = running.use(await startDesk("legacy"));
  const modern = running.use(await startDesk("modern"));
  const remote = ({ url }: DeskServer, limits = {}): object => ({ source: { kind: "remote", url }, limits });
  const servers = {
    "legacy-stdio": { source: deskProcess },
    "legacy-http": remote(legacy),
    "modern-http": remote(modern),
    "hasty-legacy": remote(legacy, { callTimeout: "500ms" }),
    "hasty-modern": remote(modern, { callTimeout: "500ms" }),
  };
  manager = running.use(await startManager({ config: JSON.stringify({ servers }) }));
  await manager.serversReady(...Object.keys(servers));
});
after(() => running.disposeAsync());

const clients: readonly (readonly [string, Connect])[] = [
  ["legacy", connectLegacy],
  ["modern", connectModern],
];

/** A server as one endpoint shows it. */
interface Shown {
  readonly server: string;
  readonly path: string;
  /** Before its names, and before its URIs. */
  readonly prefix: string;
  readonly uriPrefix: string;
}

const shown: readonly Shown[] = ["legacy-stdio", "legacy-http", "modern-http"].flatMap((server) => [
  { server, path: "/mcp", prefix: `${server}__`, uriPrefix: `${server}+` },
  { server, path: `/servers/${server}/mcp`, prefix: "", uriPrefix: "" },
]);

let lastName = 0;

/** A name that no other test uses. */
function newName(): string {
  lastName += 1;
  return `name-${lastName}`;
}

for (const [era, connect] of clients) {
  for (const { server, path, prefix, uriPrefix } of shown) {
    describe(`a ${era} client and ${server} on ${path}`, () => {
      const note = `${uriPrefix}note://desk/1`;
      let client: DeskClient;
      let asked: DeskClient;

      before(async () => {
        client = await connect(manager.url + path, manager.key);
        asked = await connect(manager.url + path, manager.key, { isAsked: true });
      });
      after(async () => {
        await client[Symbol.asyncDispose]();
        await asked[Symbol.asyncDispose]();
      });

      test("elicitation, sampling and roots: the server asks, the client answers", async () => {
        assert.equal(await asked.call(`${prefix}elicit`), "accept Ada");
        assert.equal(await asked.call(`${prefix}sample`), "yes");
        assert.equal(await asked.call(`${prefix}roots`), "file:///home");
      });

      test("progress comes in order, before the answer", async () => {
        const seen: number[] = [];
        const onprogress = (progress: number): void => void seen.push(progress);
        assert.equal(await client.call(`${prefix}count`, {}, { onprogress }), "counted");
        assert.deepEqual(seen, [1, 2, 3]);
      });

      test("G17 log messages come from the level on that the client wants", async () => {
        // On stdio a client that has set a level is served by a process that is its own for each call.
        await using leveled = await connect(manager.url + path, manager.key);
        await leveled.call(`${prefix}log`, {}, { logLevel: "warning" });
        assert.deepEqual(leveled.heard.logs, ["a warning"]);
        await leveled.call(`${prefix}log`, {}, { logLevel: "debug" });
        assert.deepEqual(leveled.heard.logs, ["a warning", "a detail", "a warning"]);
        assert.deepEqual(client.heard.logs, [], "others hear nothing of it");
      });

      test("prompts and resources are listed and given", async () => {
        assert.equal(await client.prompt(`${prefix}greet`, { name: "Ada" }), "Hello Ada");
        assert.ok((await client.resources()).includes(note));
        const text = newName();
        await client.call(`${prefix}write`, { text });
        assert.equal(await client.read(note), text);
      });

      test("G23 arguments of prompts and of templates are completed", async () => {
        const prompt = { type: "ref/prompt", name: `${prefix}greet` } as const;
        assert.deepEqual(await client.complete(prompt, { name: "name", value: "Ad" }), ["Ada", "Adam"]);
        const template = { type: "ref/resource", uri: `${uriPrefix}note://desk/{number}` } as const;
        assert.deepEqual(await client.complete(template, { name: "number", value: "4" }), ["40"]);
      });

      test("G15 G16 who watches a resource, and the list of tools, hears of their changes", async () => {
        await client.watch(note);
        const { updated } = client.heard;
        await until("it hears of the resource", async () => {
          await client.call(`${prefix}write`, { text: newName() });
          return updated.length > 0;
        });
        assert.ok(updated.every((uri) => uri === note));
        const name = newName();
        const changes = client.heard.toolChanges;
        await client.call(`${prefix}grow`, { name });
        await until("it hears of the tools", () => Promise.resolve(client.heard.toolChanges > changes));
        assert.ok((await client.tools()).includes(prefix + name));
        assert.deepEqual(asked.heard.updated, [], "who does not watch hears nothing");
      });

      test("G18 a call that its client gives up is given up at the server, and hears nothing more", async () => {
        const name = newName();
        const giveUp = new AbortController();
        let beats = 0;
        const call = client.call(
          `${prefix}wait`,
          { name },
          { signal: giveUp.signal, onprogress: () => void (beats += 1) },
        );
        const over = assert.rejects(call);
        await until("it is under way", () => Promise.resolve(beats > 0));
        giveUp.abort();
        await over;
        await until("the server hears of it", async () =>
          (await client.call(`${prefix}seen`)).includes(`${name} was given up`),
        );
      });
    });
  }

  test(`G18 the time-out of a ${era} client's call holds although progress comes, and its server is told`, async () => {
    for (const server of ["hasty-legacy", "hasty-modern"]) {
      await using client = await connect(`${manager.url}/servers/${server}/mcp`, manager.key);
      const name = newName();
      let beats = 0;
      const call = client.call("wait", { name }, { onprogress: () => void (beats += 1) });
      await assert.rejects(call, /500 ?ms/);
      assert.ok(beats > 1);
      await until("the server hears of it", async () => (await client.call("seen")).includes(`${name} was given up`));
    }
  });
}

test("G9 a legacy client whose connection is cut gets the rest of its answer on another one", async () => {
  await using opener = await connectLegacy(`${manager.url}/mcp`, manager.key);
  await Promise.all(
    shown.map(async ({ server, path, prefix }) => {
      await using proxy = await startCuttableProxy(manager.url);
      await using client = await connectLegacy(proxy.url + path, manager.key);
      const name = newName();
      const seen: number[] = [];
      const call = client.call(`${prefix}gate`, { name }, { onprogress: (progress) => void seen.push(progress) });
      await until("it is under way", () => Promise.resolve(seen.length > 0));
      proxy.cut();
      await opener.call(`${server}__open`, { name });
      assert.equal(await call, "through");
      assert.deepEqual(seen, [1, 2]);
    }),
  );
});
