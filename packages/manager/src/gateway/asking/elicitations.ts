/**
 * Elicitations that one session's client was shown and that are carried out elsewhere (URL mode): only of these may it be told that
 * they are complete, and only by the server that showed them. Of many the oldest are forgotten.
 * Source: specification 2025-11-25, client/elicitation ("Completion Notifications for URL Mode Elicitation").
 */
import { type Envelope, scanEnvelope } from "../../protocol/envelope.ts";
import { memberAt, stringAt } from "../../protocol/json.ts";
import { errorCodeOf } from "../../protocol/response.ts";

/** The method by which a server tells that an elicitation is complete. */
export const elicitationComplete = "notifications/elicitation/complete";

/** Legacy: the call cannot go on until its client has been elsewhere. */
const urlElicitationRequired = -32042;
/** A person has a few open at a time. */
const shownMax = 64;
/** As a server would make one up: a longer id is remembered for nobody. */
const idLengthMax = 256;

interface Shown {
  readonly server: string;
  readonly id: string;
}

const none: readonly Shown[] = [];

export class Elicitations {
  /** The oldest first. */
  #shown: readonly Shown[] = none;

  /** The client is asked this. */
  onQuestion(server: string, question: Envelope): void {
    if (question.method === "elicitation/create") this.#add(server, idIn(question));
  }

  /** The client's call is answered with this error, which may list elicitations to be seen to first. */
  onError(server: string, response: Buffer): void {
    if (errorCodeOf(response) !== urlElicitationRequired) return;
    const { error } = JSON.parse(response.toString()) as { error?: { data?: { elicitations?: unknown } | null } };
    const elicitations: unknown = error?.data?.elicitations;
    if (!Array.isArray(elicitations)) return;
    for (const each of elicitations as readonly ({ elicitationId?: unknown } | null)[]) {
      const id = each?.elicitationId;
      this.#add(server, typeof id === "string" ? id : undefined);
    }
  }

  /** Whether the completion that `server` tells of is of one that the client was shown by it. */
  has(server: string, completion: Buffer): boolean {
    const scan = scanEnvelope(completion);
    const id = scan.ok ? idIn(scan.envelope) : undefined;
    return this.#shown.some((each) => each.server === server && each.id === id);
  }

  #add(server: string, id: string | undefined): void {
    if (id === undefined || id.length > idLengthMax) return;
    const others = this.#shown.filter((each) => each.server !== server || each.id !== id);
    this.#shown = [...others, { server, id }].slice(-shownMax);
  }
}

function idIn(message: Envelope): string | undefined {
  const member = memberAt(message.bytes, message.start("params"), "elicitationId");
  return member === undefined ? undefined : stringAt(message.bytes, member.start, member.end);
}
