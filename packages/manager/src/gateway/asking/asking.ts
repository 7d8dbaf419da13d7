/**
 * The seam between a call and the ways in which its server asks its client for input: what a way may do with the call, and what it
 * hears. There is one way for each pair of eras that needs one; between two modern ones a question is a result, and passes.
 *
 *   client \ server   legacy                                  modern
 *   legacy            relayed-questions.ts (request)          input-rounds.ts (result → requests → retry)
 *   modern            parked-questions.ts (request → result)  request-state.ts (sealed, else untouched)
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../../base/clock.ts";
import type { ClientProfile } from "../../protocol/client-profile.ts";
import { metaInsertion } from "../../protocol/object-edits.ts";
import { decodeString, membersAt } from "../../protocol/json.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { errorResponse } from "../../protocol/errors.ts";
import { type Edit, splice } from "../../protocol/splice.ts";
import type { CallOutcome } from "../calls/call-metrics.ts";
import type { Call } from "../calls/call.ts";

/** A call, as the ways of asking see it. */
export interface AskingCall {
  /** The client's request; another one after a parked call was taken up again. */
  readonly call: Call;
  /** The name of the server that asks. */
  readonly server: string;
  readonly profile: ClientProfile;
  readonly clock: Clock;
  /** Sends a message to the client before the response. */
  toClient(message: Buffer): void;
  /** Sends an answer to the server. */
  toServer(message: Buffer): void;
  /** The call's time stands still while its client thinks, for ten minutes at most. */
  holdTime(): void;
  goOn(): void;
  /** Sends the call again, with what its client answered and the server's state as written. */
  retry(answers: ReadonlyMap<string, Buffer>, state: Buffer | undefined): void;
  fail(outcome: CallOutcome, error: ManagerError): void;
}

/** A way of asking a client while a legacy server waits for the answer. */
export interface Asking {
  /** The server asks: a request with its own id. */
  onQuestion(question: Envelope): void;
  /** The server withdraws a question: `notifications/cancelled` with the question's id. */
  onWithdrawn(notification: Envelope): void;
  /** The call is over: open questions are nobody's any more. */
  close(): void;
}

const capabilities: Readonly<Record<string, string>> = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
};

/** The client capability that a question needs; undefined for what is no question. */
export function capabilityFor(method: string): string | undefined {
  return capabilities[method];
}

/** Whether a client of this profile can be asked this. */
export function canBeAsked({ capabilities: declared }: ClientProfile, method: string): boolean {
  const capability = capabilityFor(method);
  return capability !== undefined && declared[capability] !== undefined;
}

const originKey = "mcp-manager/server";

/**
 * On the aggregate a person must be able to see who asks: the server's name goes into the question's `_meta`. On a server's own
 * endpoint there is nothing to add. What a server says there itself of who it is gives way to its name on any endpoint.
 */
export function originEdits({ view }: Call, server: string, question: Envelope): readonly Edit[] {
  const { bytes } = question;
  const meta = question.start("meta");
  const name = JSON.stringify(server);
  const claims = (membersAt(bytes, meta) ?? []).filter(
    ({ keyStart, keyEnd }) => decodeString(bytes, keyStart, keyEnd) === originKey,
  );
  if (claims.length > 0) return claims.map(({ start, end }) => ({ start, end, bytes: Buffer.from(name) }));
  if (view.kind === "server") return [];
  const member = `${JSON.stringify(originKey)}:${name}`;
  return [metaInsertion(question, member)];
}

/**
 * A question as a client of the legacy era gets it: under an id of its session, which is its progress token too, where it has one.
 * Two servers may give theirs alike.
 */
export function questionToLegacy(call: Call, server: string, question: Envelope, id: number): Buffer {
  const bytes = Buffer.from(String(id));
  const edits = [
    { start: question.start("id"), end: question.end("id"), bytes },
    ...originEdits(call, server, question),
  ];
  if (question.has("progressToken"))
    edits.push({ start: question.start("progressToken"), end: question.end("progressToken"), bytes });
  return splice(
    question.bytes,
    edits.sort((a, b) => a.start - b.start),
  );
}

/** Tells a server that its question is not asked. */
export function refuseQuestion(
  host: Pick<AskingCall, "toServer">,
  question: Envelope,
  code: number,
  why: string,
): void {
  host.toServer(errorResponse(question.raw("id"), code, why));
}
