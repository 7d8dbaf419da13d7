import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, SchemaDiff } from "@mcp-manager/api";
import { pendingDeploymentStatus } from "@mcp-manager/api";
import type { CatalogueRecord } from "../registry/kinds.ts";
import { Gates } from "./gates.ts";
import { replica } from "./testing/world.ts";

const additive: SchemaDiff = { class: "additive", changes: [] };
const metadata = { uid: "u", generation: 1, revision: "1", labels: {}, createdAt: "2027-01-01T00:00:00Z" };

function deployment(from: string | null): Deployment {
  const strategy = { kind: "recreate" } as const;
  const spec = { server: "weather", from, to: "weather-2", strategy, generation: 2 };
  return { kind: "Deployment", metadata: { ...metadata, name: "d" }, spec, status: pendingDeploymentStatus };
}

function record(number: number, more: Partial<CatalogueRecord["spec"]> = {}): CatalogueRecord {
  const spec = { server: "weather", digest: `sha256:${number}`, text: String(number), ttlMs: 5_000 };
  return {
    kind: "Catalogue",
    metadata: { ...metadata, name: `weather-${number}` },
    spec: { ...spec, ...more },
    status: {},
  };
}

function offering(name: string, number: number, catalogue?: string): ReturnType<typeof replica> {
  const made = replica(name, number, "ready");
  return catalogue === undefined ? made : { ...made, status: { ...made.status, catalogue } };
}

/** Gates that count their comparisons. */
function open(): { readonly gates: Gates; readonly compared: string[] } {
  const compared: string[] = [];
  const gates = new Gates((from, to) => {
    compared.push(`${from} ${to}`);
    return additive;
  });
  return { gates, compared };
}

test("what both offer is compared once, and how long clients may keep the old lists is said", () => {
  const { gates, compared } = open();
  const look = () => gates.of(deployment("weather-1"), [offering("a", 1), offering("b", 2)], [record(1), record(2)]);
  for (let count = 0; count < 3; count++) assert.deepEqual(look(), { kind: "known", diff: additive, ttlMs: 5_000 });
  assert.deepEqual(compared, ["1 2"]);
  gates.forget("weather");
  look();
  assert.equal(compared.length, 2);
});

test("it is unknown until both were asked, unless the old one cannot be", () => {
  const { gates } = open();
  assert.equal(gates.of(deployment("weather-1"), [offering("a", 1)], [record(1)]).kind, "unknown");
  assert.equal(gates.of(deployment("weather-1"), [offering("a", 1)], [record(2)]).kind, "unknown");
  assert.equal(gates.of(deployment("weather-1"), [offering("b", 2)], [record(2)]).kind, "none");
  assert.equal(gates.of(deployment(null), [offering("b", 2)], [record(2)]).kind, "none");
});

test("while it is unknown it says which revision has not told what it offers", () => {
  const { gates } = open();
  const gate = (...known: number[]) =>
    gates.of(
      deployment("weather-1"),
      [offering("a", 1)],
      known.map((n) => record(n)),
    );
  for (const [known, silent] of [
    [[1], /^weather-2 has not told/],
    [[2], /^weather-1 has not told/],
    [[], /^weather-1 and weather-2 have not told/],
  ] as const) {
    const found = gate(...known);
    assert.match(found.kind === "unknown" ? (found.message ?? "") : "", silent);
  }
});

test("copies of one revision that do not offer the same are named, also of a first revision", () => {
  const { gates } = open();
  const replicas = [offering("a", 2, "sha256:x"), offering("b", 2, "sha256:y"), offering("c", 1, "sha256:z")];
  const gate = gates.of(deployment("weather-1"), replicas, [record(1), record(2)]);
  assert.equal(gate.kind, "unstable");
  assert.match(gate.kind === "unstable" ? gate.message : "", /weather-2 .*\(a, b\)/);
  const same = [offering("a", 2, "sha256:x"), offering("b", 2, "sha256:x"), offering("c", 2)];
  assert.equal(gates.of(deployment("weather-1"), same, [record(1), record(2)]).kind, "known");
});

test("one copy alone is asked twice: the gate waits for its second answer, which has to be the first", () => {
  const { gates } = open();
  const asked = { ...deployment("weather-1"), status: { ...pendingDeploymentStatus, phase: "SchemaCheck" as const } };
  const made = record(2);
  const after = { ...made, metadata: { ...made.metadata, revision: "2" } };
  const gate = (catalogue?: string) => gates.of(asked, [offering("a", 2, catalogue)], [record(1), after]);
  assert.equal(gate().kind, "unknown");
  assert.equal(gate("sha256:2").kind, "known");
  const other = gate("sha256:3");
  assert.match(other.kind === "unstable" ? other.message : "", /weather-2 .*each time it is asked .*\(a\)/);
  // What the revision offered in the days of an earlier deployment may have changed since.
  const again = gates.of(asked, [offering("a", 2, "sha256:3")], [record(1), record(2)]);
  assert.equal(again.kind, "known");
});

test("what is too long to be compared breaks clients unless it is the same", () => {
  const { gates, compared } = open();
  const { text: _, ...long } = record(2).spec;
  const after = { ...record(2), spec: long };
  const gate = gates.of(deployment("weather-1"), [], [record(1), after]);
  assert.equal(gate.kind === "known" ? gate.diff.class : "", "breaking");
  const same = { ...after, spec: { ...long, digest: "sha256:1" } };
  const equal = gates.of(deployment("weather-1"), [], [record(1), same]);
  assert.equal(equal.kind === "known" ? equal.diff.class : "", "none");
  assert.deepEqual(compared, []);
});
