/**
 * Our errors as gRPC shows them: the status of the table, and the standard details that clients of every language read. Short of what a
 * client takes in its trailers, whatever the error holds.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { ManagerError } from "@mcp-manager/api";
import { errorCodes, toProblem } from "@mcp-manager/api";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";

/** In bytes. Clients take 8 KiB of trailers, in which the message stands twice, once with three characters for each byte beyond ASCII. */
const messageMax = 800;
const violationsMax = 8;
const fieldMax = 100;
const descriptionMax = 200;

/** The error as it is sent. Details: ErrorInfo always, BadRequest where fields were wrong, RetryInfo where waiting helps. */
export function toRpcError(error: ManagerError): ConnectError {
  const { code, fields, retryAfterMs } = error;
  const info = { reason: code.toUpperCase(), domain: "mcp-manager", metadata: factsOf(error) };
  const details: ConstructorParameters<typeof ConnectError>[3] = [{ desc: ErrorInfoSchema, value: info }];
  if (fields.length > 0) {
    const fieldViolations = fields.slice(0, violationsMax).map(({ path, given, expected }) => ({
      field: cut(path.replace(/^\?/, ""), fieldMax),
      description: cut(`given ${given}, expected ${expected}`, descriptionMax),
    }));
    details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1_000);
    const retryDelay = { seconds: BigInt(seconds), nanos: Math.floor((retryAfterMs - seconds * 1_000) * 1e6) };
    details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  // Both are google.rpc.Code; one of them is an enum.
  const status = Code[Code[errorCodes[code].grpc] as keyof typeof Code];
  return new ConnectError(cut(toProblem(error).detail, messageMax), status, undefined, details, error);
}

/**
 * What a client may want to go on with: the server, the finer reason, the revision that is there instead of the expected one, and whether
 * a retry helps where the code alone says otherwise.
 */
function factsOf({ code, reason, server, retryable, details }: ManagerError): Record<string, string> {
  const current = details["current"] as { readonly metadata?: { readonly revision?: string } } | undefined;
  const revision = current?.metadata?.revision;
  return {
    ...(server === undefined ? {} : { server: cut(server, fieldMax) }),
    ...(reason === code.toUpperCase() ? {} : { reason }),
    ...(revision === undefined ? {} : { revision }),
    ...(retryable === errorCodes[code].retryable ? {} : { retryable: String(retryable) }),
  };
}

function cut(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(text).subarray(0, bytesMax - 3));
  // A character that was cut through.
  return `${whole.replace(/\uFFFD+$/, "")}…`;
}
