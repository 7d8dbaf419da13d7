import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../base/invariant.ts";
import { Metrics } from "./metrics.ts";

test("counters and gauges are shown with help, type and labels", () => {
  const metrics = new Metrics();
  const requests = metrics.counter("requests_total", "Requests\nby server.", ["server", "outcome"]);
  requests.child(["weather", "result"]).inc();
  requests.child(["weather", "result"]).inc(2);
  requests.child(['we"ird\\', "line\nend"]).inc();
  metrics.gauge("sessions", "Open sessions.").child().set(4);
  assert.equal(
    metrics.text(),
    [
      "# HELP requests_total Requests\\nby server.",
      "# TYPE requests_total counter",
      'requests_total{server="weather",outcome="result"} 3',
      'requests_total{server="we\\"ird\\\\",outcome="line\\nend"} 1',
      "# HELP sessions Open sessions.",
      "# TYPE sessions gauge",
      "sessions 4",
      "",
    ].join("\n"),
  );
});

test("a histogram's buckets are cumulative, and a bound belongs to its bucket", () => {
  const metrics = new Metrics();
  const child = metrics.histogram("seconds", "Time.", ["server"], [0.1, 1]).child(["weather"]);
  for (const value of [0.05, 0.1, 0.5, 7]) child.observe(value);
  assert.deepEqual(metrics.text().split("\n").slice(2, -1), [
    'seconds_bucket{server="weather",le="0.1"} 2',
    'seconds_bucket{server="weather",le="1"} 3',
    'seconds_bucket{server="weather",le="+Inf"} 4',
    'seconds_sum{server="weather"} 7.65',
    'seconds_count{server="weather"} 4',
  ]);
});

test("every observation lands in the first bucket that holds it", () => {
  const bounds = fc.uniqueArray(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 12 });
  const property = fc.property(
    bounds,
    fc.array(fc.double({ noNaN: true, min: -2e6, max: 2e6 })),
    (unsorted, values) => {
      const buckets = unsorted.map((bound) => bound + 0).toSorted((a, b) => a - b); // -0 and 0 are one bound
      fc.pre(new Set(buckets).size === buckets.length);
      const metrics = new Metrics();
      const child = metrics.histogram("h", "h", [], buckets).child();
      for (const value of values) child.observe(value);
      const shown = [...metrics.text().matchAll(/^h_bucket\{le="(.*)"\} (\d+)$/gm)].map(([, , count]) => Number(count));
      const expected = [...buckets, Infinity].map((bound) => values.filter((value) => value <= bound).length);
      assert.deepEqual(shown, expected);
      assert.equal(child.count, values.length);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("beyond a family's bound new label values share one child named other", () => {
  const metrics = new Metrics({ childrenMax: 2 });
  const calls = metrics.counter("calls_total", "Calls.", ["tool"]);
  for (const tool of ["a", "b", "c", "d", "a"]) calls.child([tool]).inc();
  assert.deepEqual(metrics.text().split("\n").slice(2, -1), [
    'calls_total{tool="a"} 2',
    'calls_total{tool="b"} 1',
    'calls_total{tool="other"} 2',
  ]);
});

test("collectors run at each scrape, and one that fails hides nothing else", () => {
  const metrics = new Metrics();
  const replicas = metrics.gauge("replicas", "Replicas.", ["state"]);
  let state = "starting";
  metrics.onScrape(() => {
    replicas.clear();
    replicas.child([state]).set(1);
  });
  metrics.onScrape(() => {
    throw new Error("broken");
  });
  assert.match(metrics.text(), /replicas\{state="starting"\} 1/);
  state = "ready";
  const second = metrics.text();
  assert.match(second, /replicas\{state="ready"\} 1/);
  assert.doesNotMatch(second, /starting/);
  assert.match(second, /mcp_manager_metrics_collector_failures_total 2/);
});

test("a name has one meaning: asked for again it is the same metric, with another shape it is a bug", () => {
  const metrics = new Metrics();
  metrics.counter("a_total", "A.", ["x"]).child(["1"]).inc();
  assert.equal(metrics.counter("a_total", "A.", ["x"]).child(["1"]).value, 1);
  assert.throws(() => metrics.gauge("a_total", "A.", ["x"]), InvariantError);
  assert.throws(() => metrics.counter("a_total", "A.", ["y"]), InvariantError);
  assert.throws(() => metrics.counter("a_total", "A.", ["x"]).child(["1", "2"]), InvariantError);
  assert.throws(() => metrics.counter("no spaces", "A."), InvariantError);
});
