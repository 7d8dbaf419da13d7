/**
 * Batches: several messages in one POST, in sessions of the one revision that has them. Each message is handled as if it came alone; a
 * batch that could not be answered whole is refused before anything of it is done. How it is answered is in `batch-reply.ts`.
 * Source: specification 2025-03-26, basic/transports ("Sending Messages to the Server").
 */
import { batchMessagesMax, type Envelope, scanEnvelope, type ScanResult, splitBatch } from "../protocol/envelope.ts";
import { errorResponse, JsonRpcCode } from "../protocol/errors.ts";
import { skipSpace } from "../protocol/json.ts";
import { type Arrival, enter, findSession, sessionIdOf } from "./arrival.ts";
import { BatchReply } from "./batch-reply.ts";
import { eraOfHeader } from "./era-check.ts";
import type { GetOptions } from "./sessions/listening.ts";
import type { Reply } from "./reply.ts";
import type { Session } from "./sessions/session.ts";
import type { Bound } from "./view.ts";

/** Why bytes are no message. */
export type ScanRefusal = Exclude<ScanResult, { readonly ok: true }>;

/** A batch's messages in order, each with where its answer goes. */
export interface Batch {
  readonly session: Session;
  /** The revision that it names. */
  readonly bound: Bound | undefined;
  readonly messages: readonly { readonly envelope: Envelope; readonly reply: Reply }[];
}

const batchVersion = "2025-03-26";

/** Takes bytes that are no message, for the reason given, as a batch; undefined when they were refused. */
export function receiveBatch(
  options: GetOptions,
  arrival: Arrival,
  bytes: Buffer,
  refusal: ScanRefusal,
): Batch | undefined {
  const { request, reply } = arrival;
  const refuse = ({ id, code, message }: ScanRefusal): undefined => {
    reply.json(400, errorResponse(id, code, message));
  };
  const mayBeBatch = refusal.code === JsonRpcCode.invalidRequest && bytes[skipSpace(bytes, 0)] === 0x5b;
  if (!mayBeBatch || sessionIdOf(request) === undefined || eraOfHeader(request.headers) !== "legacy")
    return refuse(refusal);
  const bound = enter(options, arrival, undefined);
  const session = bound === null ? null : findSession(options, arrival, undefined, "batch");
  if (bound === null || session === null) return undefined;
  if (session.protocolVersion !== batchVersion) return refuse(refusal);
  const scanned = scanBatch(bytes);
  if (!scanned.ok) return refuse(scanned);
  reply.streams = session.streams;
  return { session, bound, messages: new BatchReply(reply).messages(scanned.envelopes) };
}

type BatchScan = { readonly ok: true; readonly envelopes: readonly Envelope[] } | ScanRefusal;

function scanBatch(bytes: Buffer): BatchScan {
  const refused = (why: string, id?: Buffer): BatchScan => {
    return { ok: false, code: JsonRpcCode.invalidRequest, message: `not a JSON-RPC batch: ${why}`, id };
  };
  const parts = splitBatch(bytes);
  if (parts === undefined) return refused(`it has more than ${batchMessagesMax} messages`);
  if (parts.length === 0) return refused("it is empty");
  const envelopes: Envelope[] = [];
  for (const part of parts) {
    const scan = scanEnvelope(part);
    if (!scan.ok) return refused(scan.message, scan.id);
    const { envelope } = scan;
    const why = outOfPlace(envelope);
    if (why !== undefined) return refused(why, envelope.raw("id"));
    envelopes.push(envelope);
  }
  return { ok: true, envelopes };
}

/** What may stand in no batch. */
function outOfPlace(envelope: Envelope): string | undefined {
  if (envelope.method === "initialize") return "initialize comes alone";
  return envelope.has("protocolVersion") ? "a message of the modern era comes alone" : undefined;
}
