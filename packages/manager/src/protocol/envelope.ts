/**
 * The envelope of a JSON-RPC message: one pass over the bytes checks the whole text (RFC 8259, UTF-8, depth) and finds where
 * the routed members stand; nothing else is looked into, decoded or copied. It decides whether bytes are a JSON-RPC message of
 * MCP, never whether its method exists or its params make sense. A routed member that comes twice, in any spelling, is
 * refused: two readers must never disagree about where a message goes.
 */
import { isUtf8 } from "node:buffer";
import { depthMax, elementsAt, isObjectAt, notUtf8, readDocument, skipSpace, stringAt, tooDeep } from "./json.ts";
import { KeyTable, MemberRanges } from "./key-table.ts";
import { methodNames } from "./methods.ts";

/** The keys that every modern request carries in `params._meta` (specification 2026-07-28, basic, "Per-request protocol fields"). */
export const metaKeys: Readonly<Record<"protocolVersion" | "clientCapabilities" | "clientInfo" | "logLevel", string>> =
  {
    protocolVersion: "io.modelcontextprotocol/protocolVersion",
    clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
    clientInfo: "io.modelcontextprotocol/clientInfo",
    logLevel: "io.modelcontextprotocol/logLevel",
  };

/** The key that says in `params._meta` or `result._meta` which `subscriptions/listen` a message belongs to: that request's id. */
export const subscriptionIdKey = "io.modelcontextprotocol/subscriptionId";

/** The members whose place a scan notes; `memberPaths` says which key of which object each is. */
export type MemberName =
  | ("jsonrpc" | "id" | "method" | "params" | "result" | "error")
  | ("name" | "uri" | "arguments" | "cursor" | "level" | "requestId" | "reason" | "requestState" | "inputResponses")
  | ("ref" | "refType" | "refName" | "refUri" | "progress" | "paramsProgressToken")
  | ("initVersion" | "initCapabilities" | "initClientInfo")
  | ("meta" | "progressToken" | "protocolVersion" | "clientCapabilities" | "clientInfo" | "logLevel")
  | ("subscriptionId" | "task" | "taskId");

/** The keys that lead from the message to each member. */
export const memberPaths: Readonly<Record<MemberName, readonly string[]>> = {
  jsonrpc: ["jsonrpc"],
  id: ["id"],
  method: ["method"],
  params: ["params"],
  result: ["result"],
  error: ["error"],
  name: ["params", "name"],
  uri: ["params", "uri"],
  arguments: ["params", "arguments"],
  cursor: ["params", "cursor"],
  level: ["params", "level"],
  requestId: ["params", "requestId"],
  reason: ["params", "reason"],
  requestState: ["params", "requestState"],
  task: ["params", "task"],
  taskId: ["params", "taskId"],
  inputResponses: ["params", "inputResponses"],
  ref: ["params", "ref"],
  refType: ["params", "ref", "type"],
  refName: ["params", "ref", "name"],
  refUri: ["params", "ref", "uri"],
  progress: ["params", "progress"],
  paramsProgressToken: ["params", "progressToken"],
  initVersion: ["params", "protocolVersion"],
  initCapabilities: ["params", "capabilities"],
  initClientInfo: ["params", "clientInfo"],
  meta: ["params", "_meta"],
  progressToken: ["params", "_meta", "progressToken"],
  protocolVersion: ["params", "_meta", metaKeys.protocolVersion],
  clientCapabilities: ["params", "_meta", metaKeys.clientCapabilities],
  clientInfo: ["params", "_meta", metaKeys.clientInfo],
  logLevel: ["params", "_meta", metaKeys.logLevel],
  subscriptionId: ["params", "_meta", subscriptionIdKey],
};

/** A well-formed message and where its members stand. Ranges are positions in `bytes`. */
export interface Envelope {
  readonly kind: "request" | "notification" | "response";
  readonly bytes: Buffer;
  /** Decoded; "" for a response. */
  readonly method: string;
  /** The position of a member's value as written (quotes included), or -1 when the member is absent. */
  start(member: MemberName): number;
  /** The position after the value, or -1. */
  end(member: MemberName): number;
  has(member: MemberName): boolean;
  /** The value as written, a view on `bytes`; undefined when absent. */
  raw(member: MemberName): Buffer | undefined;
  /** The value of a string, decoded; undefined when absent or no string. */
  text(member: MemberName): string | undefined;
}

/**
 * `-32700`: the bytes are not JSON in UTF-8. `-32600`: they are, but not one JSON-RPC message. `id` is the id as written, for
 * the answer: undefined when there is none that can be believed.
 */
export type ScanResult =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly code: -32700 | -32600; readonly message: string; readonly id: Buffer | undefined };

const memberNames = Object.keys(memberPaths) as MemberName[];
const slots = Object.fromEntries(memberNames.map((member, slot) => [member, slot])) as Record<MemberName, number>;

/** What is looked for in the object that `path` leads to; undefined when that is nothing. */
function tableOf(path: readonly string[]): KeyTable | undefined {
  const inside = memberNames.filter((member) => String(memberPaths[member].slice(0, -1)) === String(path));
  if (inside.length === 0) return undefined;
  return new KeyTable(
    inside.map((member) => {
      const memberPath = memberPaths[member];
      return { text: memberPath.at(-1) ?? "", slot: slots[member], nested: tableOf(memberPath) };
    }),
  );
}

const messageTable = tableOf([]);

/** Known methods by their bytes, so that the usual ones are compared, not decoded. */
const methodTable = new KeyTable(methodNames.map((text, slot) => ({ text, slot })));

class ScannedEnvelope implements Envelope {
  readonly kind: Envelope["kind"];
  readonly bytes: Buffer;
  readonly method: string;
  readonly #ranges: MemberRanges;

  constructor(kind: Envelope["kind"], bytes: Buffer, method: string, ranges: MemberRanges) {
    this.kind = kind;
    this.bytes = bytes;
    this.method = method;
    this.#ranges = ranges;
  }

  start(member: MemberName): number {
    return this.#ranges.start(slots[member]);
  }

  end(member: MemberName): number {
    return this.#ranges.end(slots[member]);
  }

  has(member: MemberName): boolean {
    return this.#ranges.start(slots[member]) >= 0;
  }

  raw(member: MemberName): Buffer | undefined {
    const start = this.start(member);
    return start < 0 ? undefined : this.bytes.subarray(start, this.end(member));
  }

  text(member: MemberName): string | undefined {
    return stringAt(this.bytes, this.start(member), this.end(member));
  }
}

/** Scans one message. Never throws; keeps `bytes` and no copy of it. A batch is refused: see `splitBatch`. */
export function scanEnvelope(bytes: Buffer): ScanResult {
  const ranges = new MemberRanges(memberNames.length);
  const end = readDocument(bytes, messageTable, ranges);
  if (end < 0) return unreadable(bytes, end, ranges);
  const problem = problemOf(bytes, ranges);
  if (problem !== undefined) {
    return { ok: false, code: -32600, message: `not a JSON-RPC message: ${problem}`, id: believableId(bytes, ranges) };
  }
  const methodStart = ranges.start(slots.method);
  if (methodStart < 0) return { ok: true, envelope: new ScannedEnvelope("response", bytes, "", ranges) };
  const kind = ranges.start(slots.id) < 0 ? "notification" : "request";
  const method = methodAt(bytes, methodStart, ranges.end(slots.method));
  return { ok: true, envelope: new ScannedEnvelope(kind, bytes, method, ranges) };
}

function methodAt(bytes: Buffer, start: number, end: number): string {
  return methodTable.find(bytes, start + 1, end - 1)?.text ?? stringAt(bytes, start, end) ?? "";
}

function unreadable(bytes: Buffer, end: number, ranges: MemberRanges): ScanResult {
  if (end === tooDeep) {
    const message = `nested deeper than ${depthMax} levels`;
    return { ok: false, code: -32600, message, id: believableId(bytes, ranges) };
  }
  if (end === notUtf8) return { ok: false, code: -32700, message: "not JSON: it is not UTF-8", id: undefined };
  const message = ~end >= bytes.length ? "not JSON: it ends too early" : `not JSON: unexpected byte at offset ${~end}`;
  return { ok: false, code: -32700, message, id: undefined };
}

/** What keeps valid JSON from being a message, in a few words; undefined when nothing does. */
function problemOf(bytes: Buffer, ranges: MemberRanges): string | undefined {
  const top = bytes[skipSpace(bytes, 0)];
  if (top === 0x5b) return "a batch is not accepted here, send one message at a time";
  if (top !== 0x7b) return "it must be an object";
  const repeated = ranges.repeated[0];
  if (repeated !== undefined) return `member ${pathOf(repeated)} comes twice`;
  if (!isVersion(bytes, ranges)) return 'member "jsonrpc" must be "2.0"';
  const isRequest = ranges.start(slots.method) >= 0;
  const isResult = ranges.start(slots.result) >= 0;
  const isError = ranges.start(slots.error) >= 0;
  if (isRequest) return isResult || isError ? "it is a request and a response at once" : requestProblem(bytes, ranges);
  if (isResult === isError) return 'it needs one of "method", "result" and "error"';
  // An error may answer something whose id could not be read (JSON-RPC 2.0, section 5).
  const isUnaddressed = isError && (ranges.start(slots.id) < 0 || isNull(bytes, ranges.start(slots.id)));
  return isUnaddressed || isId(bytes, ranges) ? undefined : idRule;
}

const idRule = 'member "id" must be a string or an integer';

function requestProblem(bytes: Buffer, ranges: MemberRanges): string | undefined {
  if (bytes[ranges.start(slots.method)] !== 0x22) return 'member "method" must be a string';
  if (ranges.start(slots.id) >= 0 && !isId(bytes, ranges)) return idRule;
  const params = ranges.start(slots.params);
  return params >= 0 && !isObjectAt(bytes, params) ? 'member "params" must be an object' : undefined;
}

function pathOf(slot: number): string {
  const member = memberNames[slot];
  return member === undefined ? "" : memberPaths[member].map((key) => JSON.stringify(key)).join(" / ");
}

const version = Buffer.from('"2.0"');

function isVersion(bytes: Buffer, ranges: MemberRanges): boolean {
  const start = ranges.start(slots.jsonrpc);
  const end = ranges.end(slots.jsonrpc);
  if (end - start === version.length) {
    return bytes[start + 1] === 0x32 && bytes[start + 2] === 0x2e && bytes[start + 3] === 0x30 && bytes[start] === 0x22;
  }
  return stringAt(bytes, start, end) === "2.0";
}

function isNull(bytes: Buffer, start: number): boolean {
  return bytes[start] === 0x6e;
}

/** A string, or a number written without fraction and exponent. */
function isId(bytes: Buffer, ranges: MemberRanges): boolean {
  const start = ranges.start(slots.id);
  if (start < 0) return false;
  if (bytes[start] === 0x22) return true;
  const end = ranges.end(slots.id);
  for (let i = bytes[start] === 0x2d ? start + 1 : start; i < end; i++) {
    if ((bytes[i] as number) < 0x30 || (bytes[i] as number) > 0x39) return false;
  }
  return true;
}

/** The bytes of a message nested too deeply were not checked for UTF-8, and an answer must be. */
function believableId(bytes: Buffer, ranges: MemberRanges): Buffer | undefined {
  if (ranges.repeated.includes(slots.id) || !isId(bytes, ranges)) return undefined;
  const id = bytes.subarray(ranges.start(slots.id), ranges.end(slots.id));
  return isUtf8(id) ? id : undefined;
}

/** Most messages in one batch; a longer one is refused whole. A client of 2025-03-26 sends a handful. */
export const batchMessagesMax = 1000;

/**
 * The messages of a JSON-RPC batch, each as written (revision 2025-03-26 only). Undefined when the bytes are not a JSON array, or
 * hold more than `batchMessagesMax` elements; the elements are not yet messages: scan each.
 */
export function splitBatch(bytes: Buffer): Buffer[] | undefined {
  if (readDocument(bytes, undefined, undefined) < 0) return undefined;
  const ends = elementsAt(bytes, skipSpace(bytes, 0), batchMessagesMax);
  if (ends === undefined) return undefined;
  return Array.from({ length: ends.length / 2 }, (_, i) => bytes.subarray(ends[i * 2], ends[i * 2 + 1]));
}
