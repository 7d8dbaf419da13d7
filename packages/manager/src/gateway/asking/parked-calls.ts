/**
 * Calls of modern clients that wait for input: their server, of the legacy era, asked something and goes on waiting, while the
 * client was answered and will come again. Bounded in number and time; a call is taken up once, by the principal that made it.
 */
import type { Deadline, TimerWheel } from "../../base/timer-wheel.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { answerMsMax } from "../calls/call-time.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Call } from "../calls/call.ts";

/** How a call ended while its client was away. */
export interface LateEnd {
  /** Tells the client. */
  readonly tell: () => void;
  /** Of the response that is kept for it. */
  readonly bytes: number;
}

/** A call that can be taken up again. */
export interface Parkable {
  readonly principalHash: string;
  /** Of a response that came while it was parked: what `ParkedCalls.keep` was asked for. */
  readonly keptBytes: number;
  /** The client came again. */
  resume(call: Call): void;
  /** It did not. */
  expire(): void;
}

export interface ParkedCallsOptions {
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly random: Random;
  /** Where their number is shown. */
  readonly metrics?: Metrics;
}

/** Each holds a connection to its server. */
const parkedMax = 4_096;
/** So that one principal does not take every place. */
const parkedPerPrincipalMax = 256;
/** What the responses that wait for their clients may have together; a single one may be longer. */
const keptBytesMax = 64 * 1024 * 1024;

interface Parked {
  readonly call: Parkable;
  readonly deadline: Deadline;
}

export class ParkedCalls implements Disposable {
  readonly #options: ParkedCallsOptions;
  readonly #parked = new Map<string, Parked>();
  #keptBytes = 0;

  constructor(options: ParkedCallsOptions) {
    this.#options = options;
    const gauge = options.metrics?.gauge("mcp_manager_parked_calls", "Calls that wait for input from their clients.");
    options.metrics?.onScrape(() => gauge?.child().set(this.#parked.size));
  }

  get count(): number {
    return this.#parked.size;
  }

  /** A name to take the call up by; undefined when there is no room. */
  park(call: Parkable): string | undefined {
    const { wheel, clock, random } = this.#options;
    if (this.#parked.size >= parkedMax) return undefined;
    const own = [...this.#parked.values()].filter((each) => each.call.principalHash === call.principalHash);
    if (own.length >= parkedPerPrincipalMax) return undefined;
    const name = random.bytes(12).toString("base64url");
    const deadline = wheel.schedule(clock.nowMs(), answerMsMax, () => {
      this.#forget(name, call);
      call.expire();
    });
    this.#parked.set(name, { call, deadline });
    return name;
  }

  /** Makes room for the response of a parked call, until that is taken up or expires; false when there is none. */
  keep(bytes: number): boolean {
    if (this.#keptBytes > 0 && this.#keptBytes + bytes > keptBytesMax) return false;
    this.#keptBytes += bytes;
    return true;
  }

  /** The call of this name, which is then parked no more; undefined when there is none for this principal. */
  take(name: string, principalHash: string): Parkable | undefined {
    const parked = this.#parked.get(name);
    if (parked === undefined || parked.call.principalHash !== principalHash) return undefined;
    this.#forget(name, parked.call);
    this.#options.wheel.cancel(parked.deadline);
    return parked.call;
  }

  /** Ends all: their clients find nothing when they come again. */
  [Symbol.dispose](): void {
    for (const [name, { call, deadline }] of this.#parked) {
      this.#forget(name, call);
      this.#options.wheel.cancel(deadline);
      call.expire();
    }
  }

  #forget(name: string, { keptBytes }: Parkable): void {
    this.#parked.delete(name);
    this.#keptBytes -= keptBytes;
  }
}
