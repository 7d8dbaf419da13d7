/**
 * What a session's client has been asked and has not answered yet: every question of every server goes to it under an id of the
 * gateway's own, so that an answer finds its question and nothing else. Holds no messages; who asks keeps them.
 */
import type { Envelope } from "../../protocol/envelope.ts";
import { channelIdAt } from "../../transport/remap.ts";
import { Elicitations } from "./elicitations.ts";

/** Whoever asked. */
export interface Asker {
  /** The client's response, an error included, to question `id`; called once. */
  onAnswer(id: number, response: Envelope): void;
  /** The client tells of its progress with question `id`, which is the notification's token. */
  onProgress(id: number, notification: Envelope): void;
}

/** What an answer met: its question, one that was withdrawn or answered before, or none that was ever asked. */
export type AnswerFate = "taken" | "late" | "unknown";

/** Questions open at once for one client; a person cannot answer more. */
const openMax = 256;

export class Questions {
  /** What the client was shown and its server may tell the end of. */
  readonly elicitations: Elicitations = new Elicitations();
  readonly #open = new Map<number, Asker>();
  readonly #firstId: number;
  #nextId: number;

  /** `firstId` differs from session to session and from start to start: an answer to an earlier life's question finds nothing. */
  constructor(firstId: number) {
    this.#firstId = firstId;
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#open.size;
  }

  /** An id for a question; undefined when too many are open. */
  add(asker: Asker): number | undefined {
    if (this.#open.size >= openMax) return undefined;
    const id = this.#nextId++;
    this.#open.set(id, asker);
    return id;
  }

  /** Nobody waits for this answer any more. */
  drop(id: number): void {
    this.#open.delete(id);
  }

  /** Hands a response to whoever asked. */
  answer(response: Envelope): AnswerFate {
    const id = channelIdAt(response.bytes, response.start("id"), response.end("id"));
    const asker = this.#open.get(id);
    if (asker === undefined) return id >= this.#firstId && id < this.#nextId ? "late" : "unknown";
    this.#open.delete(id);
    asker.onAnswer(id, response);
    return "taken";
  }

  /** Hands a progress notification of the client's to whoever asked the question that its token names. */
  progress(notification: Envelope): void {
    const { bytes } = notification;
    const id = channelIdAt(bytes, notification.start("paramsProgressToken"), notification.end("paramsProgressToken"));
    this.#open.get(id)?.onProgress(id, notification);
  }
}
