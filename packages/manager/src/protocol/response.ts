/**
 * Messages that come from servers: where the id stands, what kind of outcome it is, where the members of the result stand.
 * Short messages are read whole; of long ones only head and tail are looked at, as a server's usual spelling allows, so that a
 * large result costs no parse. It never decodes or changes anything.
 */
import { type Envelope, scanEnvelope } from "./envelope.ts";
import { isObjectAt, KeyTable, MemberRanges, readDocument, stringAt } from "./json.ts";

/** Reading a message of this length whole costs about as much as searching it for one word. */
const shortBytesMax = 4096;

/** Where the id of a response stands, quotes included. */
export interface IdRange {
  readonly idStart: number;
  readonly idEnd: number;
}

/** One frame of a server's output. `noise` is whatever cannot be acted on: no JSON-RPC message, or an error that answers nothing. */
export type Frame =
  | ({ readonly kind: "response" } & IdRange)
  | { readonly kind: "request" | "notification"; readonly envelope: Envelope }
  | { readonly kind: "noise" };

const noise: Frame = { kind: "noise" };

/**
 * Where the id of a response stands; undefined when the bytes are no response or it has no id. A message of more than 4 KiB in a
 * usual spelling is taken for valid JSON without a look at its middle; the id found is then surely that of the message itself.
 */
export function locateResponse(bytes: Buffer): IdRange | undefined {
  const quick = bytes.length > shortBytesMax ? (headId(bytes) ?? tailId(bytes)) : undefined;
  if (quick !== undefined) return quick;
  const scan = scanEnvelope(bytes);
  return scan.ok && scan.envelope.kind === "response" ? idOf(scan.envelope) : undefined;
}

/** What one line of a server's output, or one event of its stream, is. The same trust in long messages as `locateResponse`. */
export function classifyFrame(bytes: Buffer): Frame {
  const quick = bytes.length > shortBytesMax ? (headId(bytes) ?? tailId(bytes)) : undefined;
  if (quick !== undefined) return { kind: "response", idStart: quick.idStart, idEnd: quick.idEnd };
  const scan = scanEnvelope(bytes);
  if (!scan.ok) return noise;
  const { envelope } = scan;
  if (envelope.kind !== "response") return { kind: envelope.kind, envelope };
  const id = idOf(envelope);
  return id === undefined ? noise : { kind: "response", idStart: id.idStart, idEnd: id.idEnd };
}

/** The id of an error may be `null`: it answers something the server could not read. */
function idOf(envelope: Envelope): IdRange | undefined {
  const idStart = envelope.start("id");
  return idStart < 0 || envelope.bytes[idStart] === 0x6e ? undefined : { idStart, idEnd: envelope.end("id") };
}

const headBeforeId = Buffer.from('{"jsonrpc":"2.0","id":');
const resultKey = Buffer.from(',"result":');
const errorKey = Buffer.from(',"error":');

/** `{"jsonrpc":"2.0","id":…,"result":…}`: the first members of the outermost object are its own. */
function headId(bytes: Buffer): IdRange | undefined {
  if (bytes[bytes.length - 1] !== 0x7d || !hasAt(bytes, 0, headBeforeId)) return undefined;
  const idStart = headBeforeId.length;
  let idEnd = idStart;
  if (bytes[idStart] === 0x22) {
    idEnd = bytes.indexOf(0x22, idStart + 1) + 1;
    if (idEnd === 0 || bytes.subarray(idStart, idEnd).includes(0x5c)) return undefined;
  } else {
    if (bytes[idEnd] === 0x2d) idEnd++;
    while (isDigit(bytes[idEnd])) idEnd++;
  }
  return hasAt(bytes, idEnd, resultKey) || hasAt(bytes, idEnd, errorKey) ? { idStart, idEnd } : undefined;
}

const resultHead = Buffer.from('{"result":');
const errorHead = Buffer.from('{"error":');
const tailBeforeId = Buffer.from(',"jsonrpc":"2.0","id":');

/**
 * `{"result":…,"jsonrpc":"2.0","id":…}`: the last brace closes the outermost object, so in valid JSON the members right before it
 * are that object's own. They cannot be the inside of a string: its closing quote would have to follow.
 */
function tailId(bytes: Buffer): IdRange | undefined {
  const idEnd = bytes.length - 1;
  if (bytes[idEnd] !== 0x7d || !(hasAt(bytes, 0, resultHead) || hasAt(bytes, 0, errorHead))) return undefined;
  let idStart = idEnd - 1;
  if (bytes[idStart] === 0x22) {
    idStart = bytes.lastIndexOf(0x22, idStart - 1);
    if (idStart < 0 || bytes.subarray(idStart, idEnd).includes(0x5c)) return undefined;
  } else {
    while (isDigit(bytes[idStart - 1])) idStart--;
    if (!isDigit(bytes[idStart])) return undefined;
    if (bytes[idStart - 1] === 0x2d) idStart--;
  }
  return hasAt(bytes, idStart - tailBeforeId.length, tailBeforeId) ? { idStart, idEnd } : undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function hasAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  if (at < 0) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** Direct members of `result` whose place can be asked for. */
export type ResultMember =
  | ("resultType" | "ttlMs" | "cacheScope" | "nextCursor" | "isError" | "_meta")
  | ("tools" | "prompts" | "resources" | "resourceTemplates");

const resultSlots: Readonly<Record<ResultMember, number>> = {
  resultType: 0,
  ttlMs: 1,
  cacheScope: 2,
  nextCursor: 3,
  isError: 4,
  _meta: 5,
  tools: 6,
  prompts: 7,
  resources: 8,
  resourceTemplates: 9,
};
const resultSlot = 10;
const errorSlot = 11;
const codeSlot = 12;
const slotCount = 13;

const responseTable = new KeyTable([
  {
    text: "result",
    slot: resultSlot,
    nested: new KeyTable(Object.entries(resultSlots).map(([text, slot]) => ({ text, slot }))),
  },
  { text: "error", slot: errorSlot, nested: new KeyTable([{ text: "code", slot: codeSlot }]) },
]);

/** Where a value stands. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The direct members of a response's `result`; ranges are positions in the whole message. */
export interface ResponseMembers {
  /** The `result` object itself. */
  readonly result: Range;
  /** The position of the member's value, or -1 when it is absent. */
  start(member: ResultMember): number;
  end(member: ResultMember): number;
  /** The decoded value of a string member; undefined when absent or no string. */
  text(member: ResultMember): string | undefined;
  /** The value of a number member; undefined when absent or no number. */
  number(member: ResultMember): number | undefined;
}

/** The members of a response's `result`; undefined when the bytes are not JSON, have no object `result`, or one comes twice. */
export function responseMembers(bytes: Buffer): ResponseMembers | undefined {
  const ranges = new MemberRanges(slotCount);
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.repeated >= 0) return undefined;
  const result = { start: ranges.start(resultSlot), end: ranges.end(resultSlot) };
  if (!isObjectAt(bytes, result.start)) return undefined;
  return {
    result,
    start: (member) => ranges.start(resultSlots[member]),
    end: (member) => ranges.end(resultSlots[member]),
    text: (member) => stringAt(bytes, ranges.start(resultSlots[member]), ranges.end(resultSlots[member])),
    number: (member) => numberAt(bytes, ranges.start(resultSlots[member]), ranges.end(resultSlots[member])),
  };
}

function numberAt(bytes: Buffer, start: number, end: number): number | undefined {
  if (start < 0 || !(isDigit(bytes[start]) || bytes[start] === 0x2d)) return undefined;
  return Number(bytes.toString("latin1", start, end));
}

/** Where the value of `result` stands; undefined when the bytes are not JSON or have none. */
export function resultRange(bytes: Buffer): Range | undefined {
  const ranges = new MemberRanges(slotCount);
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.start(resultSlot) < 0) return undefined;
  return { start: ranges.start(resultSlot), end: ranges.end(resultSlot) };
}

/** Where the number of an error response stands; undefined when the bytes are no error response. */
export function errorCodeRange(bytes: Buffer): Range | undefined {
  const ranges = new MemberRanges(slotCount);
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.repeated >= 0 || ranges.start(codeSlot) < 0)
    return undefined;
  return { start: ranges.start(codeSlot), end: ranges.end(codeSlot) };
}

/** The code of an error response; undefined when the bytes are no error response or its code is no number. */
export function errorCodeOf(bytes: Buffer): number | undefined {
  const range = errorCodeRange(bytes);
  return range === undefined ? undefined : numberAt(bytes, range.start, range.end);
}

/** How a call ended, as metrics and breakers count it. */
export type Outcome = "result" | "tool_error" | "protocol_error" | "input_required";

const isErrorKey = Buffer.from('"isError"');
const inputRequired = Buffer.from('"input_required"');

/**
 * How the call ended that this response, or the first chunk of it, answers. Of a chunk that ends early only what is in it counts;
 * what comes later is taken for a plain result.
 */
export function outcomeOf(bytes: Buffer): Outcome {
  if (bytes.length > shortBytesMax && isPlainResult(bytes)) return "result";
  const ranges = new MemberRanges(slotCount);
  readDocument(bytes, responseTable, ranges);
  if (ranges.start(errorSlot) >= 0) return "protocol_error";
  const type = ranges.start(resultSlots.resultType);
  if (stringAt(bytes, type, ranges.end(resultSlots.resultType)) === "input_required") return "input_required";
  return bytes[ranges.start(resultSlots.isError)] === 0x74 ? "tool_error" : "result";
}

/** Whether a long message begins as a result does and has no word in it that could make it another outcome. */
function isPlainResult(bytes: Buffer): boolean {
  const id = hasAt(bytes, 0, headBeforeId) ? bytes.indexOf(0x2c, headBeforeId.length) : -1;
  const isResult = hasAt(bytes, 0, resultHead) || (id >= 0 && hasAt(bytes, id, resultKey));
  return isResult && !bytes.includes(isErrorKey) && !bytes.includes(inputRequired);
}
