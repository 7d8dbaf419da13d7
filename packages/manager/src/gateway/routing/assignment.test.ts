/** Who is sent to which of two revisions: the same always, more with every percent, as many as were asked for, and by what matches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Match, NextRoute } from "@mcp-manager/api";
import fc from "fast-check";
import { createPrincipal } from "../../security/principal.ts";
import { serverResource } from "../testing/gateway.ts";
import { bucketOf, type Caller, revisionFor } from "./assignment.ts";
import { buildRoutingTable, emptyTable, type ServerRoute } from "./routing-table.ts";

const hash = fc.string({ minLength: 1, maxLength: 16 });
const salt = fc.uuid();
const server = fc.constantFrom("weather", "a", "b-2");

function routeOf(next?: Partial<NextRoute>): ServerRoute {
  const resource = serverResource("weather");
  const whole = { revision: "weather-2", weight: 0, salt: "s", match: [], differs: true, ...next };
  const route = { stable: "weather-1", draining: [], ...(next === undefined ? {} : { next: whole }) };
  const table = buildRoutingTable(emptyTable, [{ ...resource, status: { ...resource.status, route } }]);
  const found = table.servers.get("weather");
  assert.ok(found !== undefined);
  return found;
}

function caller(name: string, more: Partial<Caller> = {}, roles: readonly string[] = []): Caller {
  const principal = createPrincipal(name, roles, "api-key");
  return { principal, clientName: undefined, header: () => undefined, ...more };
}

test("a bucket is one of ten thousand, and the same whenever it is asked for", () => {
  fc.assert(
    fc.property(server, salt, hash, (name, mixed, who) => {
      const bucket = bucketOf(name, mixed, who);
      assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < 10_000, String(bucket));
      assert.equal(bucketOf(name, mixed, who), bucket);
    }),
  );
  // Instances of different releases share their principals: these never change.
  assert.deepEqual(
    [bucketOf("weather", "salt", "principal"), bucketOf("", "", ""), bucketOf("weather", "salu", "principal")],
    [8457, 63, 7409],
  );
});

test("a growing weight only adds principals, and at 0 and 100 there is no doubt", () => {
  fc.assert(
    fc.property(salt, fc.array(fc.integer({ min: 0, max: 100 })), fc.uuid(), (mixed, weights, name) => {
      const rising = [0, ...weights.toSorted((a, b) => a - b), 100];
      const revisions = rising.map((weight) => revisionFor(routeOf({ weight, salt: mixed }), caller(name)));
      assert.deepEqual(
        revisions,
        revisions.toSorted((a, b) => (a === b ? 0 : a === "weather-1" ? -1 : 1)),
        "who is on the next revision stays there",
      );
      assert.deepEqual([revisions[0], revisions.at(-1)], ["weather-1", "weather-2"]);
    }),
  );
});

test("the share of principals is the weight, within five standard deviations", () => {
  const people = 10_000;
  const hashes = Array.from({ length: people }, (_, i) => createPrincipal(`key:${i}`, [], "api-key").hash);
  fc.assert(
    fc.property(server, salt, fc.integer({ min: 1, max: 99 }), (name, mixed, weight) => {
      const share = hashes.filter((who) => bucketOf(name, mixed, who) < weight * 100).length;
      const expected = (people * weight) / 100;
      const deviation = Math.sqrt(expected * (1 - weight / 100));
      assert.ok(Math.abs(share - expected) < 5 * deviation, `${share} of ${people} at ${weight} %`);
    }),
    { numRuns: 50 },
  );
});

test("another deployment, or another server, sends others first", () => {
  const hashes = Array.from({ length: 10_000 }, (_, i) => createPrincipal(`key:${i}`, [], "api-key").hash);
  const first = (name: string, mixed: string): ReadonlySet<string> =>
    new Set(hashes.filter((who) => bucketOf(name, mixed, who) < 1_000));
  const [one, other, elsewhere] = [first("a", "one"), first("a", "two"), first("b", "one")];
  for (const others of [other, elsewhere]) {
    const both = [...one].filter((who) => others.has(who)).length;
    assert.ok(both > 50 && both < 150, `${both} of ${one.size}: about a tenth of them`);
  }
});

test("without a route any replica will do; without a next revision all go to the stable one", () => {
  assert.equal(revisionFor({ ...routeOf(), revisions: undefined }, caller("ada")), undefined);
  assert.equal(revisionFor(routeOf(), caller("ada")), "weather-1");
});

test("what matches goes to the next revision whatever the weight", () => {
  const goes = (match: Match, who: Caller): boolean => revisionFor(routeOf({ match: [match] }), who) === "weather-2";
  const claude = caller("ada", { clientName: "claude-code" });
  assert.deepEqual(
    [goes({ client: "claude-*" }, claude), goes({ client: "cursor" }, claude), goes({ client: "*" }, caller("ada"))],
    [true, false, false],
  );
  const asking = caller("ada", { header: (name) => (name === "x-lane" ? "beta-3" : undefined) });
  assert.deepEqual(
    [
      goes({ header: { "X-Lane": "beta-*" } }, asking),
      goes({ header: { "x-lane": "alpha" } }, asking),
      goes({ header: { "x-lane": "beta-3", "x-other": "*" } }, asking),
    ],
    [true, false, false],
  );
  const ops = caller("key:ci", {}, ["caller", "operator"]);
  assert.deepEqual(
    [
      goes({ principal: { name: "key:*" } }, ops),
      goes({ principal: { role: "operator" } }, ops),
      goes({ principal: { role: "operator", name: "key:other" } }, ops),
      goes({ principal: { authMethod: "api-key" } }, ops),
      goes({ principal: { nothing: "*" } }, ops),
    ],
    [true, true, false, true, false],
  );
});
