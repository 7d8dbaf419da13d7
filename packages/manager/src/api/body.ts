/** The body of a REST request: read once, bounded, JSON or refused. Numbers keep their digits. */
import type { IncomingMessage } from "node:http";
import type { Operation } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";

/** Longest body, in bytes. A Server is a few KiB; arguments of a tool call may be larger. */
const bodyBytesMax = 1_048_576;

/** A refusal whose status is not its code's own: 413 and 415. */
export class BodyRefusal extends ManagerError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("invalid_argument", message);
    this.status = status;
  }
}

/**
 * The parsed body; undefined when there is none and none is needed. With `exact`, numbers that a double cannot hold as written
 * become `JSON.rawJSON` values. Throws `invalid_argument`.
 */
export async function readBody(request: IncomingMessage, operation: Operation, exact: boolean): Promise<unknown> {
  if (operation.body === undefined) {
    request.resume();
    return undefined;
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new BodyRefusal(415, `the Content-Encoding is ${encoding.slice(0, 60)}: send the body uncompressed`);
  }
  const bytes = await readBytes(request);
  if (bytes.length === 0 && operation.bodyOptional === true) return undefined;
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    const given = type === "" ? "there is no Content-Type" : `the Content-Type is ${type.slice(0, 60)}`;
    throw new BodyRefusal(415, `${given}: send application/json`);
  }
  return parseJson(bytes, exact, "the body");
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooLong = (): BodyRefusal => new BodyRefusal(413, `the body is longer than ${bodyBytesMax} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytesMax) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What of a reviver's context is used (ECMAScript, "JSON.parse source text access"). */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

interface ExactJson {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: Reviver): unknown;
}

/** A number that a double cannot hold stays as it was written when it is sent on. */
const keepDigits: Reviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && String(value) !== source
    ? (JSON as unknown as ExactJson).rawJSON(source)
    : value;

/** JSON as a value; with `exact`, numbers keep their digits. `what` is named when it is none. Throws `invalid_argument`. */
export function parseJson(bytes: Uint8Array, exact: boolean, what: string): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return exact ? (JSON as unknown as ExactJson).parse(text, keepDigits) : JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ManagerError("invalid_argument", `${what} is not JSON: ${why.slice(0, 200)}`, {
      reason: "INVALID_JSON",
      cause: error,
    });
  }
}
