/**
 * Messages that come from servers: where the id stands, what kind of outcome it is, where the members of the result stand.
 * Long messages are not read where `long-response.ts` can tell. It never decodes or changes anything.
 */
import { type Envelope, scanEnvelope } from "./envelope.ts";
import { headId, type IdRange, idOfLong, isLongError, isLongPlainResult } from "./long-response.ts";
import { KeyTable, MemberRanges } from "./key-table.ts";
import { isObjectAt, numberAt, readDocument, stringAt } from "./json.ts";

/** One frame of a server's output. `noise` is whatever cannot be acted on: no JSON-RPC message, or an error that answers nothing. */
export type Frame =
  | ({ readonly kind: "response" } & IdRange)
  | { readonly kind: "request" | "notification"; readonly envelope: Envelope }
  | { readonly kind: "noise"; readonly answer?: BadAnswer };

/** JSON that begins as a response to this id and is none: nested too deeply, say. `why` is in a few words. */
export interface BadAnswer extends IdRange {
  readonly why: string;
}

const noise: Frame = { kind: "noise" };

/**
 * Where the id of a response stands; undefined when the bytes are no response or it has no id. A message of more than 4 KiB in a
 * usual spelling is taken for valid JSON without reading its middle; the id found is then the only one the message has.
 */
export function locateResponse(bytes: Buffer): IdRange | undefined {
  const quick = idOfLong(bytes);
  if (quick !== undefined) return quick;
  const scan = scanEnvelope(bytes);
  return scan.ok && scan.envelope.kind === "response" ? idOf(scan.envelope) : undefined;
}

/** What one line of a server's output, or one event of its stream, is. The same trust in long messages as `locateResponse`. */
export function classifyFrame(bytes: Buffer): Frame {
  const quick = idOfLong(bytes);
  if (quick !== undefined) return { kind: "response", idStart: quick.idStart, idEnd: quick.idEnd };
  const scan = scanEnvelope(bytes);
  if (!scan.ok) return scan.id === undefined ? noise : noiseInAnswer(bytes, scan.message);
  const { envelope } = scan;
  if (envelope.kind !== "response") return { kind: envelope.kind, envelope };
  const id = idOf(envelope);
  return id === undefined ? noise : { kind: "response", idStart: id.idStart, idEnd: id.idEnd };
}

/** Whoever waits for it need not wait on. Only the usual spelling is looked for. */
function noiseInAnswer(bytes: Buffer, why: string): Frame {
  const id = headId(bytes);
  return id === undefined ? noise : { kind: "noise", answer: { ...id, why } };
}

/** The id of an error may be `null`: it answers something the server could not read. */
function idOf(envelope: Envelope): IdRange | undefined {
  const idStart = envelope.start("id");
  return idStart < 0 || envelope.bytes[idStart] === 0x6e ? undefined : { idStart, idEnd: envelope.end("id") };
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
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.repeated.length > 0) return undefined;
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

/** Where the value of `result` stands; undefined when the bytes are not JSON, have none, or a member of theirs comes twice. */
export function resultRange(bytes: Buffer): Range | undefined {
  const ranges = new MemberRanges(slotCount);
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.repeated.length > 0 || ranges.start(resultSlot) < 0)
    return undefined;
  return { start: ranges.start(resultSlot), end: ranges.end(resultSlot) };
}

/** Where the number of an error response stands; undefined when the bytes are no error response. */
export function errorCodeRange(bytes: Buffer): Range | undefined {
  const ranges = new MemberRanges(slotCount);
  if (readDocument(bytes, responseTable, ranges) < 0 || ranges.repeated.length > 0 || ranges.start(codeSlot) < 0)
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

/**
 * How the call ended that this response, or the first chunk of it, answers. Of a chunk that ends early only what is in it counts;
 * what comes later is taken for a plain result.
 */
export function outcomeOf(bytes: Buffer): Outcome {
  if (isLongPlainResult(bytes)) return "result";
  if (isLongError(bytes)) return "protocol_error";
  const ranges = new MemberRanges(slotCount);
  readDocument(bytes, responseTable, ranges);
  if (ranges.start(errorSlot) >= 0 || ranges.start(codeSlot) >= 0) return "protocol_error";
  const type = ranges.start(resultSlots.resultType);
  if (stringAt(bytes, type, ranges.end(resultSlots.resultType)) === "input_required") return "input_required";
  return bytes[ranges.start(resultSlots.isError)] === 0x74 ? "tool_error" : "result";
}
