/**
 * The simple bridge between the eras, on bytes: what a request or a result must have more or less on the other side. Only the
 * members that an era owns are added or removed; everything else stays as written. A server that asks
 * for input is not bridged here: that takes messages of its own, and is the caller's.
 */
import { type Envelope, metaKeys } from "./envelope.ts";
import { modernVersionSpoken } from "./era.ts";
import { JsonRpcCode } from "./errors.ts";
import { isObjectAt } from "./json.ts";
import { methodInfo } from "./methods.ts";
import { insertion, metaInsertion, removals } from "./object-edits.ts";
import { errorCodeOf, errorCodeRange, outcomeOf, responseMembers } from "./response.ts";
import { self } from "./self.ts";
import { type Edit, splice } from "./splice.ts";

const modernMetaKeys: ReadonlySet<string> = new Set(Object.values(metaKeys));
const modernParams: ReadonlySet<string> = new Set(["requestState", "inputResponses"]);

/**
 * What a modern request loses on its way to a legacy server: the per-request fields of `_meta`, `requestState` and
 * `inputResponses`. Sorted; touches neither the id nor the progress token.
 */
export function requestToLegacy(envelope: Envelope): Edit[] {
  const { bytes } = envelope;
  const edits = removals(bytes, envelope.start("params"), modernParams);
  if (isObjectAt(bytes, envelope.start("meta"))) edits.push(...removals(bytes, envelope.start("meta"), modernMetaKeys));
  return edits.sort((a, b) => a.start - b.start);
}

export interface ModernRequestOptions {
  /** The client's own words as written in its `initialize`; default: the manager's. */
  readonly clientInfo?: Buffer | undefined;
  /** Default: none, `{}`. */
  readonly clientCapabilities?: Buffer | undefined;
  /** The level the client set; none: no log messages. */
  readonly logLevel?: string | undefined;
}

/** What a legacy request gains on its way to a modern server: the per-request fields of `_meta`. Sorted; touches neither id nor token. */
export function requestToModern(envelope: Envelope, options: ModernRequestOptions = {}): Edit[] {
  const fields = fieldsOf(options);
  // A key that is there already, which no legacy client has a reason for, must not come twice.
  const replaced = fields.filter((field) => envelope.has(field.member));
  const added = fields.filter((field) => !envelope.has(field.member));
  return [
    ...(added.length === 0 ? [] : [metaInsertion(envelope, text(added))]),
    ...replaced.map(({ member, value }) => ({
      start: envelope.start(member),
      end: envelope.end(member),
      bytes: Buffer.from(value),
    })),
  ].sort((a, b) => a.start - b.start);
}

interface MetaField {
  readonly member: keyof typeof metaKeys;
  readonly value: string;
}

function fieldsOf(options: ModernRequestOptions): MetaField[] {
  const { clientInfo, clientCapabilities, logLevel } = options;
  const fields: MetaField[] = [
    { member: "protocolVersion", value: JSON.stringify(modernVersionSpoken) },
    { member: "clientInfo", value: clientInfo?.toString() ?? JSON.stringify(self) },
    { member: "clientCapabilities", value: clientCapabilities?.toString() ?? "{}" },
  ];
  if (logLevel !== undefined) fields.push({ member: "logLevel", value: JSON.stringify(logLevel) });
  return fields;
}

function text(fields: readonly MetaField[]): string {
  return fields.map(({ member, value }) => `"${metaKeys[member]}":${value}`).join(",");
}

/** How long a result may be kept, and by whom. */
export interface CacheHints {
  /** Milliseconds. */
  readonly ttlMs: number;
  readonly cacheScope: "public" | "private";
}

/**
 * A legacy server's response for a modern client: `resultType`, and the cache hints where the method's result must have them,
 * are added when missing; "resource not found" gets its modern code. Anything else, an error included, stays as it came.
 */
export function resultToModern(response: Buffer, method: string, hints: CacheHints): Buffer {
  const members = responseMembers(response);
  if (members === undefined) return errorToModern(response);
  const added: string[] = [];
  if (members.start("resultType") < 0) added.push('"resultType":"complete"');
  if (methodInfo(method)?.cacheable) {
    if (members.start("ttlMs") < 0) added.push(`"ttlMs":${hints.ttlMs}`);
    if (members.start("cacheScope") < 0) added.push(`"cacheScope":"${hints.cacheScope}"`);
  }
  return added.length === 0 ? response : splice(response, [insertion(response, members.result.start, added.join(","))]);
}

/** A usual beginning of a response with a result, up to its first member. */
const resultBeginning = /^\{(?:"jsonrpc":"2\.0","id":(?:"[^"\\]{0,200}"|-?\d{1,20}),)?"result":\{/;

/**
 * The beginning of a legacy server's long result for a modern client, the rest of which is not read: with the members that a modern
 * result must have in front. Undefined when it does not begin in a usual way or says one of them itself.
 */
export function beginningToModern(beginning: Buffer, method: string, hints: CacheHints): Buffer | undefined {
  const at = resultBeginning.exec(beginning.toString("latin1", 0, 300))?.[0].length;
  if (at === undefined || beginning[at] !== 0x22 || beginning.includes('"resultType"')) return undefined;
  const isCacheable = methodInfo(method)?.cacheable === true;
  if (isCacheable && (beginning.includes('"ttlMs"') || beginning.includes('"cacheScope"'))) return undefined;
  const extra = isCacheable ? `"ttlMs":${hints.ttlMs},"cacheScope":"${hints.cacheScope}",` : "";
  return splice(beginning, [{ start: at, end: at, bytes: Buffer.from(`"resultType":"complete",${extra}`) }]);
}

const invalidParams = Buffer.from(String(JsonRpcCode.invalidParams));

function errorToModern(response: Buffer): Buffer {
  const range = errorCodeOf(response) === JsonRpcCode.resourceNotFound ? errorCodeRange(response) : undefined;
  return range === undefined ? response : splice(response, [{ ...range, bytes: invalidParams }]);
}

const resultTypeOnly: ReadonlySet<string> = new Set(["resultType"]);
const resultTypeAndHints: ReadonlySet<string> = new Set(["resultType", "ttlMs", "cacheScope"]);

/**
 * A modern server's response for a legacy client: `resultType` and, where the method's result has them, the cache hints are taken
 * out, and an error stays as it came. Undefined for a result that is not complete (`input_required`, an extension's), or of which
 * two readers could believe different things: a legacy client would take it for the answer.
 */
export function resultToLegacy(response: Buffer, method: string): Buffer | undefined {
  const members = responseMembers(response);
  if (members === undefined) return outcomeOf(response) === "protocol_error" ? response : undefined;
  if (members.start("resultType") >= 0 && members.text("resultType") !== "complete") return undefined;
  const names = methodInfo(method)?.cacheable ? resultTypeAndHints : resultTypeOnly;
  return splice(response, removals(response, members.result.start, names));
}
