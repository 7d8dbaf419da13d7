/** What must hold of the envelope scanner for any bytes: it agrees with `JSON.parse`, then with the rules of JSON-RPC. */
import assert from "node:assert/strict";
import { type MemberName, memberPaths, scanEnvelope } from "../envelope.ts";
import { depthMax } from "../json.ts";
import { expectedScan, textOf } from "./reference.ts";

const names = Object.keys(memberPaths) as MemberName[];

/** Fails unless the scanner accepts, classifies and finds in `bytes` exactly what the reference does. */
export function assertScansAsExpected(bytes: Buffer): void {
  const expected = expectedScan(bytes);
  const scan = scanEnvelope(bytes);
  if (!scan.ok) {
    assert.equal(expected.kind, "refused", scan.message);
    // Depth is judged on the way, the rest of the text is then not read: it may be no JSON at all.
    const opened = textOf(bytes)?.match(/[{[]/g)?.length ?? bytes.length;
    if (expected.kind === "refused" && opened <= depthMax) assert.equal(scan.code, expected.code, scan.message);
    return;
  }
  const { envelope } = scan;
  assert.ok(expected.kind !== "refused", "it was accepted");
  assert.equal(envelope.kind, expected.kind);
  assert.equal(envelope.method, expected.members.get("method") ?? "");
  for (const name of names) {
    const value = expected.members.get(name);
    assert.equal(envelope.has(name), expected.members.has(name), name);
    assert.equal(envelope.text(name), typeof value === "string" ? value : undefined, name);
    const raw = envelope.raw(name);
    if (raw === undefined) continue;
    assert.deepEqual(JSON.parse(raw.toString()), value, name);
    assert.equal(raw.toString(), raw.toString().trim(), "a range has no white space around it");
  }
}
