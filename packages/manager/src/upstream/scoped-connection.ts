/**
 * One connection that a principal, or a session, has for itself across its calls: who is on it now, and who comes next. Plain calls
 * share it; a call whose client can be asked something has it alone. First come, first served, so that neither kind keeps the other
 * out. Opens and closes nothing.
 */
import type { ClientProfile } from "../protocol/client-profile.ts";
import type { Connection } from "../transport/connection.ts";
import type { Lendable } from "./held-lease.ts";
import type { LeaseWaiter } from "./lease-waiter.ts";
import type { LeaseRequest, WaitingForClient } from "./leases.ts";
import type { OpenedConnection } from "./profile-shelf.ts";

/** A call that waits for a connection of its scope. */
export type ScopeWaiter = LeaseWaiter<ScopedConnection>;

/** Of a connection that is not open yet nothing is lent. */
const notOpen = "a connection is lent when it is open";

export class ScopedConnection implements Lendable {
  readonly key: string;
  readonly scope: string;
  readonly profile: ClientProfile;
  /** Whose it is; of a session, too. */
  readonly principal: string;
  /** Resolves when nobody is given it any more. */
  readonly retired: Promise<void>;
  state: "opening" | "open" | "retired" = "opening";
  /** Calls that have it now. */
  calls = 0;
  idleSinceMs = 0;
  /** Calls in a row that ended without an answer. */
  unanswered = 0;
  logLevel: string | undefined;
  waitingForClient: WaitingForClient | undefined;
  /** In order of arrival. */
  readonly line: ScopeWaiter[] = [];
  #opened: OpenedConnection | undefined;
  #isTakenAlone = false;
  #resolveRetired: () => void = () => undefined;

  constructor(key: string, { profile, principal, scope = principal }: LeaseRequest) {
    this.key = key;
    this.scope = scope;
    this.profile = profile;
    this.principal = principal;
    this.retired = new Promise((resolve) => {
      this.#resolveRetired = resolve;
    });
  }

  get connection(): Connection {
    if (this.#opened === undefined) throw new Error(notOpen);
    return this.#opened.connection;
  }

  /** Nobody has it and nobody waits for it. */
  get isIdle(): boolean {
    return this.state === "open" && this.calls === 0 && this.line.length === 0;
  }

  /** Whether a call that comes now may have it at once. */
  admits(isPlain: boolean): boolean {
    return this.line.length === 0 && this.#fits(isPlain);
  }

  begin(opened: OpenedConnection): void {
    this.#opened = opened;
    this.state = "open";
    opened.connection.onRenewed = () => {
      this.logLevel = undefined;
    };
  }

  take(isPlain: boolean): void {
    this.calls++;
    this.#isTakenAlone = !isPlain;
  }

  giveBack(): void {
    this.calls--;
    this.#isTakenAlone = false;
  }

  /** Takes the next out of the line, when it may have the connection now. */
  next(): ScopeWaiter | undefined {
    const [first] = this.line;
    return first !== undefined && this.#fits(first.request.isPlain === true) ? this.line.shift() : undefined;
  }

  retire(): void {
    this.state = "retired";
    this.#resolveRetired();
  }

  #fits(isPlain: boolean): boolean {
    return this.state === "open" && !this.#isTakenAlone && (isPlain || this.calls === 0);
  }
}
