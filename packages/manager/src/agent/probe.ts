/**
 * One question to a run that costs its server next to nothing: `ping` in the legacy era, `server/discover` in the modern one, on the
 * connection that is there, so that no session comes of it. Tells how it went, once; what that means is the monitor's.
 */
import type { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Deadline, TimerWheel } from "../base/timer-wheel.ts";
import type { Era } from "../protocol/era.ts";
import { pingRequest } from "../protocol/legacy.ts";
import { discoverRequest } from "../protocol/modern.ts";
import type { Connection, Exchange, OutboundRequest, ReplySink } from "../transport/connection.ts";
import { ownRequest } from "../transport/opening.ts";
import { withoutSubject } from "./failure.ts";

/** Any answer that is JSON-RPC is a sign of life, an error too. */
export type ProbeOutcome =
  | { readonly kind: "alive" }
  /** It answers, but not without a credential that it was not given. */
  | { readonly kind: "needs-authorization"; readonly message: string }
  /** `message` says what came instead, as of the server: `it did not answer ping within 2000 ms`. */
  | { readonly kind: "failed"; readonly message: string };

export interface ProbeOptions {
  readonly connection: Connection;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Hears the outcome, once; not after `giveUp`. */
  readonly onOver: (outcome: ProbeOutcome) => void;
}

export class Probe implements ReplySink {
  readonly #options: ProbeOptions;
  #deadline: Deadline | undefined;
  #exchange: Exchange | undefined;
  #isOver = false;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Asks; once. The outcome may come at once. */
  send(): void {
    const { connection, clock, wheel, timeoutMs } = this.#options;
    this.#deadline = wheel.schedule(clock.nowMs(), timeoutMs, () => this.#onLate());
    this.#exchange = connection.send(requests[connection.facts.era], this);
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    if (this.#end()) this.#exchange?.cancel("the probe is over");
  }

  onNotification(): void {}

  onResponse(_chunk: Buffer, last: boolean): boolean {
    if (last && this.#end()) this.#options.onOver({ kind: "alive" });
    return true;
  }

  onFailure(error: ManagerError): void {
    if (this.#end()) this.#options.onOver(outcomeOf(error));
  }

  #onLate(): void {
    if (!this.#end()) return;
    this.#exchange?.cancel("no answer in time");
    const { connection, timeoutMs, onOver } = this.#options;
    const { method } = requests[connection.facts.era];
    onOver({ kind: "failed", message: `it did not answer ${method} within ${timeoutMs} ms` });
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    if (this.#deadline !== undefined) this.#options.wheel.cancel(this.#deadline);
    return true;
  }
}

function outcomeOf(error: ManagerError): ProbeOutcome {
  const message = withoutSubject(error.message);
  if (error.reason === "UPSTREAM_UNAUTHORIZED") return { kind: "needs-authorization", message };
  // It asks for patience, which only one can that is there.
  return error.retryAfterMs === undefined ? { kind: "failed", message } : { kind: "alive" };
}

/** The same bytes each time: only their id is replaced on the way. */
const requests: Readonly<Record<Era, OutboundRequest>> = {
  legacy: ownRequest(pingRequest(0)),
  modern: ownRequest(discoverRequest(0)),
};
