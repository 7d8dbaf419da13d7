import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllowEntry } from "./allow-list.ts";
import { type Admitted, EgressGuard, type Resolver } from "./guard.ts";

const names: Readonly<Record<string, readonly string[]>> = {
  "public.example": ["93.184.216.34", "2606:2800:220:1::1"],
  "mixed.example": ["93.184.216.34", "10.0.0.1"],
  "inside.example": ["10.1.2.3"],
  "mapped.example": ["::ffff:10.1.2.3"],
  "odd.example": ["fe80::1%eth0"],
  "many.example": Array.from({ length: 33 }, (_, index) => `93.184.216.${index}`),
};
const resolver: Resolver = { addresses: (host) => Promise.resolve(names[host] ?? []) };

function admit(url: string, allow: readonly string[] = []): Promise<Admitted> {
  return new EgressGuard(allow, resolver).admit(new URL(url));
}

async function refusal(url: string, allow: readonly string[] = []): Promise<string> {
  const admitted = await admit(url, allow);
  assert.equal(admitted.kind, "refused", url);
  return admitted.message;
}

async function isAllowed(url: string, allow: readonly string[] = []): Promise<boolean> {
  return (await admit(url, allow)).kind === "allowed";
}

test("a public name is admitted with all of its addresses", async () => {
  assert.deepEqual(await admit("https://public.example/x"), {
    kind: "allowed",
    addresses: ["93.184.216.34", "2606:2800:220:1::1"],
  });
});

test("one address that is not public is enough, and the refusal names the setting but not the address", async () => {
  for (const host of ["mixed", "inside", "mapped", "odd"]) {
    const message = await refusal(`https://${host}.example/`);
    assert.match(message, /add \w+\.example:443 to the setting egress\.allow/);
    assert.doesNotMatch(message, /10\.|fe80/);
  }
});

test("a name without addresses, or with too many, is refused", async () => {
  assert.match(await refusal("https://none.example/"), /0 addresses/);
  assert.match(await refusal("https://many.example/"), /33 addresses/);
});

test("addresses are judged in whatever way a URL spells them", async () => {
  const spelled = ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "127.1", "localhost"];
  for (const host of [...spelled, "localhost.", "a.localhost"])
    assert.match(await refusal(`https://${host}/`), /egress\.allow/, host);
});

test("without https only what is allowed by name or address is admitted", async () => {
  assert.match(await refusal("http://public.example/"), /use https, or add public\.example:80/);
  assert.ok(await isAllowed("http://public.example/", ["public.example"]));
  assert.ok(await isAllowed("http://public.example/", ["93.184.216.0/24", "2606:2800::/32"]));
  assert.match(await refusal("http://public.example/", ["93.184.216.0/24"]), /use https/);
});

test("an entry holds for its host, its port or its block, and for no more", async () => {
  assert.ok(await isAllowed("https://inside.example:8443/", ["inside.example"]));
  assert.ok(await isAllowed("https://inside.example:8443/", ["inside.example:8443"]));
  assert.ok(await isAllowed("https://inside.example/", ["10.1.0.0/16"]));
  assert.ok(await isAllowed("https://10.1.2.3:9/", ["10.1.2.3:9"]));
  assert.ok(await isAllowed("http://[::1]:9/", ["[::1]:9"]));
  await refusal("https://inside.example:8444/", ["inside.example:8443"]);
  await refusal("https://inside.example/", ["10.2.0.0/16"]);
  await refusal("https://sub.inside.example/", ["inside.example"]);
  await refusal("https://10.1.2.3:10/", ["10.1.2.3:9"]);
  await refusal("https://mapped.example/", ["10.1.0.0/16"]);
});

test("what can be said of a URL without resolving it is said", () => {
  const guard = new EgressGuard([], resolver);
  assert.equal(guard.objection(new URL("https://hooks.example/")), undefined);
  assert.match(guard.objection(new URL("ftp://hooks.example/")) ?? "", /neither https: nor http:/);
  assert.match(guard.objection(new URL("http://hooks.example/")) ?? "", /egress\.allow/);
  assert.match(guard.objection(new URL("https://169.254.169.254/latest")) ?? "", /metadata/);
  const wide = new EgressGuard(["10.0.0.0/8"], resolver);
  assert.equal(wide.objection(new URL("http://hooks.internal/")), undefined, "its addresses decide");
});

test("entries that are no host, port, address or block are none", () => {
  for (const text of ["", "https://x", "x:0", "x:65536", "10.0.0.1/8", "a b", "*.example", "1.2.3", "[x]:1", "x/y"])
    assert.equal(parseAllowEntry(text), undefined, text);
});
