import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryClient } from "../registry-client.ts";
import { entryOf, fakeRegistry, type RegistryAnswers, weatherJson } from "../testing/registry.ts";
import { type Ran, type } from "../testing/terminal.ts";

async function search(
  answers: RegistryAnswers,
  words: string,
): Promise<Ran & { readonly asked: readonly string[]; readonly url: string }> {
  await using registry = await fakeRegistry(answers);
  const ran = await type(`registry search ${words} --registry ${registry.url}`);
  return { ...ran, asked: registry.asked, url: registry.url };
}

/** Where nothing listens any more. */
async function closed(): Promise<{ readonly url: string }> {
  await using registry = await fakeRegistry({});
  return { url: registry.url };
}

const first = "/v0.1/servers?search=weather&version=latest&limit=30";

test("servers are listed page by page, with how each can be run; deleted ones are left out, broken ones counted", async () => {
  const remotes = [{ type: "sse", url: "https://example.com/sse" }];
  const ran = await search(
    {
      [first]: [
        200,
        {
          servers: [
            entryOf(weatherJson({ remotes })),
            entryOf(weatherJson({ name: "io.example/gone" }), "deleted"),
            { server: 1 },
          ],
          metadata: { nextCursor: "a b", count: 3 },
        },
      ],
      [`${first}&cursor=a+b`]: [
        200,
        {
          servers: [entryOf(weatherJson({ name: "io.example/weather-oci" }, { registryType: "oci" }), "deprecated")],
          metadata: { count: 1 },
        },
      ],
    },
    "weather",
  );
  assert.equal(ran.status, 0);
  assert.deepEqual(ran.stdout.split("\n"), [
    "NAME                    VERSION  RUN       DESCRIPTION",
    "io.example/weather      1.2.0    npm, sse  Weather of everywhere",
    "io.example/weather-oci  1.2.0    (oci)     deprecated: Weather of everywhere",
    "",
  ]);
  assert.equal(ran.stderr, "1 descriptions could not be read and are left out\n");
  assert.equal(ran.asked.length, 2);
});

test("no more is read than was asked for, and that there is more is said", async () => {
  const one = await search(
    {
      "/v0.1/servers?search=weather&version=latest&limit=1": [
        200,
        { servers: [entryOf(weatherJson())], metadata: { nextCursor: "x" } },
      ],
    },
    "weather --limit 1 -o json",
  );
  const { items } = JSON.parse(one.stdout) as { readonly items: readonly { readonly name: string }[] };
  assert.deepEqual(
    items.map(({ name }) => name),
    ["io.example/weather"],
  );
  assert.match(one.stderr, /there are more/);
  assert.equal((await search({}, "weather --limit 0")).status, 2);
});

test("nothing found is no failure", async () => {
  const ran = await search({ [first]: [200, { servers: [], metadata: { count: 0 } }] }, "weather");
  assert.deepEqual([ran.status, ran.stdout], [0, ""]);
  assert.equal(ran.stderr, `the registry ${ran.url} knows no server with "weather" in its name\n`);
});

test("a registry that is none, answers rubbish, or turns in a circle is named, with what to do", async () => {
  const said = async (answer: readonly [number, unknown]): Promise<string> =>
    (await search({ [first]: answer }, "weather")).stderr;
  assert.match(
    await said([404, "not here"]),
    /the registry http:\/\/127\.0\.0\.1:\d+ has no API v0\.1 there \(HTTP 404\): is --registry right\?/,
  );
  assert.match(await said([200, "<html>"]), /answered with something that is no JSON/);
  assert.match(await said([200, { items: [] }]), /a list without servers/);
  assert.match(await said([429, {}]), /asked too often/);
  assert.match(await said([503, {}]), /answered HTTP 503/);
  assert.match(await said([200, `"${"x".repeat(9_000_000)}"`]), /more than 8 MiB/);
  const circle = { servers: [], metadata: { nextCursor: "x" } };
  const ran = await search({ [first]: [200, circle], [`${first}&cursor=x`]: [200, circle] }, "weather");
  assert.match(ran.stderr, /the same page for ever/);
  const { url } = await closed();
  const none = await type(`registry search weather --registry ${url}`);
  assert.match(none.stderr, /does not answer \(ECONNREFUSED\): try again, or name another with --registry/);
});

test("a registry that does not answer in time is given up, and Ctrl-C gives it up before", async () => {
  await using registry = await fakeRegistry({ "/v0.1/servers/a%2Fb/versions/latest": "hang" });
  const interrupted = new AbortController();
  const slow = new RegistryClient({ url: registry.url, signal: interrupted.signal, timeoutMs: 50 });
  await assert.rejects(() => slow.get("a/b", "latest"), { code: "unavailable", message: /not within 0\.05 s/ });
  const patient = new RegistryClient({ url: registry.url, signal: interrupted.signal }).get("a/b", "latest");
  interrupted.abort(new Error("interrupted"));
  await assert.rejects(patient, { message: "interrupted" });
});

test("only an address that nobody on the way can change is asked", async () => {
  const ran = await type("registry search a", { env: { MCP_MANAGER_REGISTRY: "http://registry.example.com" } });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /is not the URL of a registry: write it like https:\/\/registry\.modelcontextprotocol\.io/);
});
