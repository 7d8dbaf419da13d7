/** What must hold of finding a response's id, for any valid JSON, however long and however hostile. */
import assert from "node:assert/strict";
import { classifyFrame, locateResponse } from "../response.ts";
import { expectedScan, treeOf, valuesAt } from "./reference.ts";

/**
 * Fails unless the id found is the one id the message has. A long message may be taken for a response without having been read,
 * so that of its other members nothing is claimed.
 */
export function assertFindsOnlyItsOwnId(bytes: Buffer): void {
  const ids = valuesAt(treeOf(bytes.toString()), ["id"]);
  const at = locateResponse(bytes);
  const expected = expectedScan(bytes);
  if (at !== undefined) {
    const [id] = ids;
    assert.equal(ids.length, 1, "a message with two ids has none that can be believed");
    assert.equal(bytes.toString("utf8", at.idStart, at.idEnd), id?.kind === "scalar" ? id.written : undefined);
  } else if (expected.kind === "response") {
    assert.ok(ids.length === 0 || (ids[0]?.kind === "scalar" && ids[0].written === "null"), "the id was not found");
  }
  const frame = classifyFrame(bytes);
  if (at !== undefined) return assert.deepEqual(frame, { kind: "response", ...at });
  const isActedOn = expected.kind === "request" || expected.kind === "notification";
  assert.equal(frame.kind, isActedOn ? expected.kind : "noise");
}
