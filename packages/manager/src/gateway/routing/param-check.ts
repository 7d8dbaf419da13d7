/**
 * Whether the `Mcp-Param-*` headers of a call say what its arguments say, for the arguments that the tool declares; others are
 * nobody's business here and travel on. The arguments are read as bytes, where they stand, so that two readers cannot see two
 * values. Pure; costs nothing for a tool that declares nothing.
 * Source: specification 2026-07-28, basic/transports/streamable-http ("Custom Headers from Tool Parameters").
 */
import { JsonRpcCode } from "../../protocol/errors.ts";
import { decodeHeaderValue } from "../../protocol/headers.ts";
import { decodeString, readMembers, skipAt, skipSpace } from "../../protocol/json.ts";
import { headersFor, type ParamHeader } from "../../protocol/param-headers.ts";

/** Why a call is refused; the HTTP status is 400. */
export interface ParamProblem {
  readonly code: -32020 | -32602;
  readonly message: string;
}

/**
 * The first problem of a call, undefined when there is none. `args` are the bytes of `params.arguments`, valid JSON. `headers` are
 * the call's own, name and value in turn; undefined for a client that writes none (legacy era), where there is nothing to compare.
 */
export function checkParamHeaders(
  declared: readonly ParamHeader[] | undefined,
  args: Buffer | undefined,
  headers: readonly string[] | undefined,
): ParamProblem | undefined {
  if (declared === undefined || declared.length === 0) return undefined;
  const values = new Map<ParamHeader, Value>();
  const twice = args === undefined ? undefined : readValues(args, skipSpace(args, 0), declared, 0, values).twice;
  if (twice !== undefined) {
    return { code: JsonRpcCode.invalidParams, message: `${nameOf(twice)} comes twice` };
  }
  if (headers === undefined) return undefined;
  for (const each of declared) {
    const problem = compare(headers, each, values.get(each));
    if (problem !== undefined)
      return { code: JsonRpcCode.headerMismatch, message: `Header mismatch: ${each.header} ${problem}` };
  }
  return undefined;
}

/**
 * The headers for another try, after a server refused `sent` and its tools were listed anew: those of the arguments that the tool
 * declares now, and of the others what the client itself sent.
 */
export function refreshedHeaders(
  declared: readonly ParamHeader[] | undefined,
  args: Buffer | undefined,
  sent: readonly string[],
): readonly string[] {
  if (declared === undefined) return sent;
  const names = new Set(declared.map(({ header }) => header.toLowerCase()));
  const others = sent.flatMap((name, i) =>
    i % 2 === 0 && !names.has(name.toLowerCase()) ? [name, sent[i + 1] ?? ""] : [],
  );
  return [...others, ...(args === undefined ? [] : headersFor(declared, JSON.parse(args.toString())))];
}

/** A value as written. */
interface Value {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Notes the values of `wanted` in the object at `at`, all of which have the same first `depth` names. Answers the position after
 * the value, and the path of a name on the way to one of them that the object has twice.
 */
function readValues(
  bytes: Buffer,
  at: number,
  wanted: readonly ParamHeader[],
  depth: number,
  values: Map<ParamHeader, Value>,
): { readonly end: number; readonly twice: readonly string[] | undefined } {
  const byName = Map.groupBy(wanted, ({ path }) => path[depth]);
  const seen = new Set<string>();
  let twice: readonly string[] | undefined;
  const end = readMembers(bytes, at, (name, start) => {
    const inside = byName.get(name);
    if (inside === undefined) return skipAt(bytes, start);
    if (seen.has(name)) twice ??= inside[0]?.path.slice(0, depth + 1);
    seen.add(name);
    const deeper = inside.filter(({ path }) => path.length > depth + 1);
    const inner = deeper.length === 0 ? undefined : readValues(bytes, start, deeper, depth + 1, values);
    twice ??= inner?.twice;
    const after = inner === undefined || inner.end < 0 ? skipAt(bytes, start) : inner.end;
    for (const each of inside) if (!deeper.includes(each)) values.set(each, { bytes, start, end: after });
    return after;
  });
  return { end, twice };
}

function compare(
  headers: readonly string[],
  { header, path }: ParamHeader,
  value: Value | undefined,
): string | undefined {
  const name = header.toLowerCase();
  const sent = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
  const [text] = sent;
  if (sent.length > 1) return "comes more than once";
  const isExpected = value !== undefined && isPlain(value);
  if (text === undefined) return isExpected ? `is missing, though ${nameOf(path)} is given` : undefined;
  if (!isExpected) return `is given, though ${nameOf(path)} has no value for it`;
  const said = decodeHeaderValue(text);
  if (said === undefined) return "has characters that no header may have, or is not valid Base64 of UTF-8";
  return says(said, value) ? undefined : `does not match ${nameOf(path)}`;
}

/** Neither `null`, which stands for no value, nor an object or an array, which no header can say. */
function isPlain({ bytes, start }: Value): boolean {
  const first = String.fromCharCode(bytes[start] ?? 0);
  return first !== "n" && first !== "{" && first !== "[";
}

function says(said: string, { bytes, start, end }: Value): boolean {
  if (bytes[start] === quote) return said === decodeString(bytes, start, end);
  const written = bytes.toString("latin1", start, end);
  if (said === written) return true;
  // `42.0` is 42. Beyond 2^53 two numbers may look the same without being so.
  return isNumber.test(said) && isNumber.test(written) && Number(said) === Number(written) && isExact(Number(said));
}

const quote = 0x22;
const isNumber = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function nameOf(path: readonly string[]): string {
  return `params.arguments.${path.join(".").slice(0, 200)}`;
}
