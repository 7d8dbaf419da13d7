/** What is counted of two revisions that serve beside each other: whose fault an end is, how much is kept, and for how long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@mcp-manager/api";
import { WatchedValue } from "../../base/watched.ts";
import type { Ending } from "../../resilience/ending.ts";
import { buildRoutingTable, emptyTable, type RoutingTable } from "../routing/routing-table.ts";
import { serverResource } from "../testing/gateway.ts";
import type { RevisionMeasures } from "../../telemetry/revision-measures.ts";
import { CallMeasures, type MeasuredCall } from "./revision-measures.ts";

const next = { revision: "weather-2", weight: 5, salt: "s", match: [], differs: false };
const canary: Route = { stable: "weather-1", next, draining: [] };
const promoted: Route = { stable: "weather-2", draining: ["weather-1"] };
const over: Route = { stable: "weather-2", draining: [] };
const call: MeasuredCall = {
  isShut: false,
  server: "weather",
  revision: "weather-2",
  wanted: "weather-2",
  outcome: "result",
  ending: "answered",
  tool: undefined,
  principal: undefined,
  tookMs: 1,
  bytes: 100,
};
const resource = serverResource("weather");

function tableOf(route: Route | undefined, previous = emptyTable): RoutingTable {
  const status = { ...resource.status, ...(route === undefined ? {} : { route }) };
  return buildRoutingTable(previous, [{ ...resource, status }]);
}

function measuring(route: Route | undefined = canary): { measures: CallMeasures; go(route: Route | undefined): void } {
  const table = new WatchedValue(tableOf(route));
  const measures = new CallMeasures();
  measures.follow(table);
  return { measures, go: (to) => table.replace(tableOf(to, table.current)) };
}

function counted(...calls: readonly Partial<MeasuredCall>[]): RevisionMeasures {
  const { measures } = measuring();
  for (const each of calls) measures.ended({ ...call, ...each });
  const found = measures.of("weather", "weather-2");
  assert.ok(found !== undefined);
  return found;
}

const none = counted();

test("nothing is kept of a server that is on one revision, and the counts go with the deployment", () => {
  const { measures, go } = measuring(undefined);
  const of = (revision: string): number | undefined => measures.of("weather", revision)?.requests;
  for (const route of [undefined, over]) {
    go(route);
    measures.ended(call);
    measures.began("weather", "weather-2");
    assert.equal(of("weather-2"), undefined);
  }
  go(canary);
  measures.ended(call);
  measures.ended({ ...call, revision: "weather-0" });
  assert.deepEqual([of("weather-1"), of("weather-2"), of("weather-0")], [0, 1, 0]);
  go(promoted);
  measures.ended(call);
  assert.deepEqual([of("weather-1"), of("weather-2")], [0, 2]);
  go(over);
  assert.equal(of("weather-2"), undefined);
  go(canary);
  assert.equal(of("weather-2"), 0);
  assert.equal(measures.of("nothing", "nothing-1"), undefined);
});

test("a reset begins anew for all revisions of one server", () => {
  const { measures } = measuring();
  for (const revision of ["weather-1", "weather-2"]) {
    measures.ended({ ...call, revision, tool: "say", principal: "ada" });
    measures.began("weather", revision);
  }
  measures.reset("time");
  assert.equal(measures.of("weather", "weather-1")?.sessions, 1);
  measures.reset("weather");
  for (const revision of ["weather-1", "weather-2"]) assert.deepEqual(measures.of("weather", revision), none);
  measures.ended(call);
  assert.equal(measures.of("weather", "weather-2")?.requests, 1);
});

test("D1 each end is counted as what it says of the revision, and what says nothing of it is no request", () => {
  const wanted: Readonly<Record<Ending, Partial<RevisionMeasures>>> = {
    answered: { requests: 1, resultBytes: 100 },
    tool_error: { requests: 1, toolErrors: 1, resultBytes: 100 },
    client_fault: { requests: 1, clientErrors: 1 },
    server_fault: { requests: 1, failures: 1 },
    bad_gateway: { requests: 1, failures: 1 },
    timeout: { requests: 1, failures: 1 },
    unsent: { requests: 1, failures: 1 },
    broken: { requests: 1, failures: 1 },
    cancelled: { cancelled: 1 },
    rate_limited: {},
    withdrawn: {},
  };
  for (const [ending, measures] of Object.entries(wanted) as [Ending, Partial<RevisionMeasures>][])
    assert.deepEqual(counted({ ending, outcome: "protocol_error" }), { ...none, ...measures }, ending);
});

test("calls that find nobody of their revision are its failures; those that a limit held back are nobody's", () => {
  const nobody = { revision: undefined, ending: "withdrawn" } as const;
  const down = counted({ ...nobody, outcome: "unavailable" }, { ...nobody, outcome: "timeout" });
  assert.deepEqual(down, { ...none, requests: 2, failures: 2 });
  const shut = counted({ ...nobody, outcome: "refused", isShut: true });
  assert.deepEqual(shut, { ...none, requests: 1, failures: 1 }, "a breaker keeps callers from what is broken");
  assert.deepEqual(counted({ ...nobody, outcome: "refused" }, { ...nobody, wanted: undefined }), none);
  assert.deepEqual(counted({ ending: "withdrawn", outcome: "unavailable" }), none, "it has one, without a place");
});

test("principals are counted once, and up to 10,000 of them are told apart", () => {
  const some = counted(...["ada", "bob", undefined, "ada"].map((principal) => ({ principal })));
  assert.deepEqual([some.requests, some.principals], [4, 2]);
  const many = counted(...Array.from({ length: 10_500 }, (_, i) => ({ principal: `p${i}` })));
  assert.deepEqual([many.requests, many.principals], [10_500, 10_000]);
});

test("tools are timed one by one, by their results alone; only the first 500 are", () => {
  const times = Array.from({ length: 100 }, (_, i) => ({ tool: "say", tookMs: i + 1 }));
  const quick = { tool: "say", tookMs: 0.1 };
  const { tools } = counted(
    ...times,
    { ...quick, outcome: "tool_error", ending: "tool_error" },
    { ...quick, outcome: "input_required" },
    { ...quick, tookMs: undefined },
    { tool: "made-up", outcome: "tool_error", ending: "tool_error" },
    { tool: "other", tookMs: 7 },
    { tookMs: 9 },
  );
  assert.deepEqual(
    tools.map(({ tool, samples }) => [tool, samples]),
    [
      ["say", 100],
      ["other", 1],
    ],
  );
  const [say] = tools;
  assert.ok(say !== undefined && Math.abs(say.p95Ms - 95) <= 0.05 * 95, String(say?.p95Ms));
  const many = counted(...Array.from({ length: 501 }, (_, i) => ({ tool: `t${i}` })), { tool: "t0" });
  assert.deepEqual([many.requests, many.tools.length, many.tools[0]?.samples], [502, 500, 2]);
});
