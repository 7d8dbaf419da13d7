/**
 * A client's request as its server gets it: in the server's era, and, when the server had asked for input, once more with the
 * answers. Builds bytes; sends nothing.
 */
import { requestToLegacy, requestToModern } from "../../protocol/bridge.ts";
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import type { Era } from "../../protocol/era.ts";
import { retryEdit } from "../../protocol/input-required.ts";
import { type Edit, splice } from "../../protocol/splice.ts";
import { profileOf } from "./call-lease.ts";
import type { Call } from "./call.ts";

/** The edits that routing makes, and those that the server's era takes. */
export function editsFor(call: Call, routed: readonly Edit[], serverEra: Era): readonly Edit[] {
  const { envelope, era, session } = call;
  if (era === serverEra) return routed;
  const bridge =
    era === "modern"
      ? requestToLegacy(envelope)
      : requestToModern(envelope, {
          logLevel: session?.logLevel,
          clientCapabilities: Buffer.from(profileOf(call).key),
        });
  return [...routed, ...bridge].sort((a, b) => a.start - b.start);
}

let retries = 0;

/**
 * The request, edited, as its own retry: with what the client answered by key, the server's state as written, and an id of its own
 * (mrtr: a retry is a new request). Undefined when that is no request, which the edits do not let happen.
 */
export function retryOf(
  { bytes }: Envelope,
  edits: readonly Edit[],
  answers: ReadonlyMap<string, Buffer>,
  state: Buffer | undefined,
): Envelope | undefined {
  const first = splice(bytes, edits);
  const scan = scanEnvelope(first);
  if (!scan.ok) return undefined;
  const { envelope } = scan;
  const id = Buffer.from(JSON.stringify(`retry-${++retries}`));
  const changes = [
    { start: envelope.start("id"), end: envelope.end("id"), bytes: id },
    retryEdit(envelope, answers, state),
  ];
  const again = scanEnvelope(
    splice(
      first,
      changes.sort((a, b) => a.start - b.start),
    ),
  );
  return again.ok ? again.envelope : undefined;
}
