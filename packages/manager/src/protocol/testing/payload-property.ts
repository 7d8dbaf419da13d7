/**
 * What must hold of all edits the gateway makes: the message is still JSON, what was meant to change has changed, and every
 * other key and value stands as it was written, in its order.
 */
import assert from "node:assert/strict";
import { requestToLegacy, requestToModern, resultToLegacy, resultToModern } from "../bridge.ts";
import { type Envelope, metaKeys, scanEnvelope } from "../envelope.ts";
import { locateResponse, responseMembers } from "../response.ts";
import { type Edit, splice } from "../splice.ts";
import { type Tree, treeOf } from "./reference.ts";

const channelId = Buffer.from("4711");
const otherName = Buffer.from('"another \\"name\\""');

/** The edits of routing and correlation: the id, the progress token, the name or URI. */
function relayEdits(envelope: Envelope): Edit[] {
  const edits: Edit[] = [];
  const put = (member: "id" | "progressToken" | "name" | "uri", bytes: Buffer): void => {
    if (envelope.has(member)) edits.push({ start: envelope.start(member), end: envelope.end(member), bytes });
  };
  put("id", channelId);
  put("progressToken", channelId);
  put("name", otherName);
  put("uri", otherName);
  return edits;
}

const modernKeys: readonly string[] = Object.values(metaKeys);
const modernParams: readonly string[] = ["requestState", "inputResponses"];

/** A function of a member's value; undefined takes the member out. */
type Change = (value: Tree) => Tree | undefined;

/** The tree with the member at `path`, every time it comes, changed. */
function changed(tree: Tree, path: readonly string[], change: Change): Tree {
  const [key, ...rest] = path;
  if (tree.kind !== "object" || key === undefined) return tree;
  const members = tree.members.flatMap((member) => {
    if (member.key !== key) return [member];
    const value = rest.length === 0 ? change(member.value) : changed(member.value, rest, change);
    return value === undefined ? [] : [{ ...member, value }];
  });
  return { kind: "object", members };
}

function without(tree: Tree, path: readonly string[], keys: readonly string[]): Tree {
  return keys.reduce((left, key) => changed(left, [...path, key], () => undefined), tree);
}

function relayed(tree: Tree): Tree {
  const to =
    (bytes: Buffer): Change =>
    () => ({ kind: "scalar", written: bytes.toString() });
  const withId = changed(tree, ["id"], to(channelId));
  const withToken = changed(withId, ["params", "_meta", "progressToken"], to(channelId));
  return changed(changed(withToken, ["params", "name"], to(otherName)), ["params", "uri"], to(otherName));
}

function applied(envelope: Envelope, edits: readonly Edit[]): Tree {
  const all = [...relayEdits(envelope), ...edits].sort((a, b) => a.start - b.start);
  const message = splice(envelope.bytes, all).toString();
  JSON.parse(message);
  return treeOf(message);
}

/** Fails unless `bytes`, when they are a request, keep their payload in each direction the gateway may send them. */
export function assertRequestKeepsPayload(bytes: Buffer): void {
  const scan = scanEnvelope(bytes);
  if (!scan.ok || scan.envelope.kind !== "request") return;
  const { envelope } = scan;
  const tree = treeOf(bytes.toString());
  assert.deepEqual(applied(envelope, []), relayed(tree));

  const metaPath = ["params", "_meta"];
  const toLegacy = without(without(relayed(tree), ["params"], modernParams), metaPath, modernKeys);
  assert.deepEqual(applied(envelope, requestToLegacy(envelope)), toLegacy);

  const clientInfo = Buffer.from('{"name":"c","version":"1"}');
  const toModern = applied(envelope, requestToModern(envelope, { clientInfo, logLevel: "info" }));
  assertHasModernFields(toModern);
  assert.deepEqual(withoutModernFields(toModern), withoutModernFields(relayed(tree)));
}

/** Without what the modern era adds, and without a `_meta` or `params` that then says nothing. */
function withoutModernFields(tree: Tree): Tree {
  const isEmpty = (value: Tree): boolean => value.kind !== "object" || value.members.length === 0;
  const left = without(tree, ["params", "_meta"], modernKeys);
  const dropEmpty: Change = (value) => (isEmpty(value) ? undefined : value);
  return changed(changed(left, ["params", "_meta"], dropEmpty), ["params"], dropEmpty);
}

function assertHasModernFields(tree: Tree): void {
  const found: string[] = [];
  changed(tree, ["params", "_meta"], (meta) => {
    if (meta.kind === "object") found.push(...meta.members.map((member) => member.key));
    return meta;
  });
  for (const key of modernKeys) assert.equal(found.filter((other) => other === key).length, 1, key);
}

const hints = { ttlMs: 5, cacheScope: "private" } as const;

/** Fails unless `bytes`, any valid JSON, keep their payload as a response in each direction. */
export function assertResponseKeepsPayload(bytes: Buffer, method: string): void {
  const tree = treeOf(bytes.toString());
  const at = locateResponse(bytes);
  if (at !== undefined) {
    const message = splice(bytes, [{ start: at.idStart, end: at.idEnd, bytes: channelId }]).toString();
    assert.deepEqual(
      treeOf(message),
      changed(tree, ["id"], () => ({ kind: "scalar", written: "4711" })),
    );
  }
  const cacheable = method === "tools/list";
  const owned = ["resultType", ...(cacheable ? ["ttlMs", "cacheScope"] : [])];
  const members = responseMembers(bytes);
  const modern = resultToModern(bytes, method, hints);
  const legacy = resultToLegacy(bytes, method);
  if (members === undefined) {
    const isNotFound = (code: Tree): boolean => code.kind === "scalar" && Number(code.written) === -32002;
    const recoded: Change = (code) => (isNotFound(code) ? { kind: "scalar", written: "-32602" } : code);
    const candidates = [tree, changed(tree, ["error", "code"], recoded)];
    assert.ok(candidates.some((candidate) => JSON.stringify(candidate) === JSON.stringify(treeOf(modern.toString()))));
    if (legacy !== undefined) assert.equal(legacy, bytes);
    return;
  }
  const added = JSON.parse(modern.toString()) as { result: Record<string, unknown> };
  for (const key of owned) assert.notEqual(added.result[key], undefined, key);
  assert.deepEqual(without(treeOf(modern.toString()), ["result"], owned), without(tree, ["result"], owned));
  const isComplete = members.start("resultType") < 0 || members.text("resultType") === "complete";
  assert.equal(legacy !== undefined, isComplete);
  if (legacy === undefined) return;
  JSON.parse(legacy.toString());
  assert.deepEqual(treeOf(legacy.toString()), without(tree, ["result"], owned));
}
