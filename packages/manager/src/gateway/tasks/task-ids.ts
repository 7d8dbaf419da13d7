/**
 * The ids under which clients know their tasks: the server's own, sealed together with the principal it was given to, the server, the
 * revision and replica that have the task, and until when it is good. So a task is its principal's alone, a made-up id leads to nobody,
 * and each instance knows where a task is. Keeps nothing.
 * Source: reliability.md §1.2; protocol.md §2.4, 13.
 */
import type { Clock } from "../../base/clock.ts";
import type { Sealer } from "../../security/seal.ts";

/** Where a task is. */
export interface TaskPlace {
  readonly server: string;
  /** The server's `uid`: one that is made again under its name knows nothing of the task. */
  readonly uid: string;
  readonly revision: string;
  /** What is local to a process is known to that one alone. */
  readonly replica: string;
  /** The tool whose call it is, by the server's own name. */
  readonly tool: string;
  /** The server's own id. */
  readonly id: string;
}

/** The task that a request is about. */
export interface TaskOfCall {
  /** The id as its client knows it. */
  readonly shown: string;
  readonly place: TaskPlace;
}

/** As it is sealed; short names because it travels. */
interface Sealed {
  readonly p: string;
  readonly s: string;
  readonly u: string;
  readonly r: string;
  readonly n: string;
  readonly o: string;
  readonly t: string;
  /** Good until then, by the wall clock. */
  readonly e: number;
}

const sealContext = "mcp-task";
/** The longest that an id is good for. A server may lengthen a task's time, and the client keeps the id that it was given. */
const taskMsMax = 24 * 60 * 60_000;
/** So long an id is known to have expired, and not for one that was never given. */
const expiredKnownMs = 24 * 60 * 60_000;
/** A server's id of more characters than this is not passed on: what is made of it has to go into a header. */
const idLengthMax = 1_024;

export class TaskIds {
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor(sealer: Sealer, clock: Clock) {
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** The id for a client; undefined when the server's own is too long. */
  seal(principalHash: string, { server, uid, revision, replica, tool, id }: TaskPlace): string | undefined {
    if (id.length > idLengthMax) return undefined;
    const untilMs = this.#clock.wallMs() + taskMsMax;
    const place = { s: server, u: uid, r: revision, n: replica };
    const sealed: Sealed = { p: principalHash, ...place, o: tool, t: id, e: untilMs };
    return this.#sealer.seal(sealContext, sealed, untilMs + expiredKnownMs);
  }

  /** Where the task is that this principal was given this id for; undefined when it was not. */
  open(principalHash: string, text: string): TaskPlace | "expired" | undefined {
    const opened = this.#sealer.open(sealContext, text) as Sealed | undefined;
    if (opened?.p !== principalHash) return undefined;
    if (this.#clock.wallMs() >= opened.e) return "expired";
    const { s: server, u: uid, r: revision, n: replica, o: tool, t: id } = opened;
    return { server, uid, revision, replica, tool, id };
  }
}
