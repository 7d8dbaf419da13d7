/**
 * What protects one server, put together: the rate, the breakers of the server and its tools, the places, the second attempts, and who
 * of its replicas is put aside or left alone. The order is that of a call: what costs nothing is asked first, and a call that is refused
 * takes nothing from the others. A call that is admitted at once and succeeds costs one object.
 */
import type { BreakerDetail, BreakerState, ManagerError, ServerLoad } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { type Admitted, Breakers } from "./breakers.ts";
import type { BreakerChange, CircuitBreaker, Forced } from "./circuit-breaker.ts";
import { ConcurrencyLimit, type Drop, type LimitOwner } from "./concurrency-limit.ts";
import { type Ending, endings } from "./ending.ts";
import type { Guard, GuardedCall, GuardRules, Permit } from "./guard.ts";
import { circuitOpen, heldOff, noPlace, rateLimited } from "./guard-refusals.ts";
import { HoldOffs } from "./hold-offs.ts";
import { OutlierDetector } from "./outlier.ts";
import { RateLimit } from "./rate-limit.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { Share } from "./shares.ts";
import { SlowStart } from "./slow-start.ts";
import { UsualDuration } from "./usual-duration.ts";
import { toolVerdicts } from "./verdict.ts";

export interface ServerGuardOptions {
  /** For messages. */
  readonly server: string;
  readonly rules: GuardRules;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each change after it happened. Must not throw. */
  readonly onChange: (change: GuardChange) => void;
}

/**
 * A breaker moved, the server's own or that of a tool, or one of a revision beside the stable one; a replica was put aside for some time,
 * or taken back; or its server asked for it to be left alone for some time.
 */
export type GuardChange =
  | ({ readonly kind: "breaker"; readonly tool: string | undefined; readonly revision?: string } & BreakerChange)
  | { readonly kind: "ejected"; readonly replica: string; readonly reason: string; readonly forMs: number }
  | { readonly kind: "returned"; readonly replica: string }
  | { readonly kind: "held-off"; readonly replica: string; readonly forMs: number };

export class ServerGuard implements Guard, LimitOwner<GuardedCall> {
  readonly #options: ServerGuardOptions;
  readonly #breakers: Breakers;
  /** Of revisions beside the stable one, while they have replicas. */
  readonly #beside = new Map<string, Breakers>();
  readonly #limit: ConcurrencyLimit<GuardedCall>;
  readonly #usual = new UsualDuration();
  readonly #budget = new RetryBudget();
  readonly #slowStart = new SlowStart();
  readonly #outliers: OutlierDetector;
  readonly #holdOffs = new HoldOffs();
  readonly #refused = { breaker: 0, heldOff: 0, queue: 0, rate: 0 };
  #rules: GuardRules;
  #rate: RateLimit | undefined;
  #known: readonly string[] = [];
  #entered = 0;
  #retries = 0;

  constructor(options: ServerGuardOptions) {
    const { rules, clock, random, onChange } = options;
    this.#options = options;
    this.#rules = rules;
    this.#rate = rules.rate === undefined ? undefined : new RateLimit(rules.rate);
    this.#breakers = this.#newBreakers(undefined);
    this.#limit = new ConcurrencyLimit({
      places: rules.concurrency,
      queue: rules.queue,
      usual: this.#usual,
      clock,
      owner: this,
    });
    this.#outliers = new OutlierDetector({
      random,
      onEjected: (replica, reason, forMs) => onChange({ kind: "ejected", replica, reason, forMs }),
      onReturned: (replica, nowMs) => {
        this.#slowStart.begin(replica, nowMs);
        onChange({ kind: "returned", replica });
      },
    });
  }

  enter(call: GuardedCall): Permit | ManagerError | undefined {
    this.#entered++;
    const nowMs = this.#options.clock.nowMs();
    const breakers = this.#breakersOf(call);
    const tool = call.tool === undefined ? undefined : breakers.tools.find(call.tool);
    const refusal = this.#whyClosed(breakers, call, tool, nowMs) ?? this.#whyHeldOff(nowMs) ?? this.#whyTooFast(nowMs);
    if (refusal !== undefined) return refusal;
    const share = this.#limit.tryEnter(call.principal);
    const drop = share === undefined ? this.#limit.wait(call, nowMs) : undefined;
    if (drop !== undefined) return this.#refuse("queue", this.#noPlace(drop));
    this.#rate?.take(nowMs);
    return share === undefined ? undefined : new GuardPermit(this, breakers, share, call.tool, tool, nowMs);
  }

  leave(call: GuardedCall): void {
    this.#limit.leave(call);
  }

  onPlace(call: GuardedCall, share: Share): void {
    const nowMs = this.#options.clock.nowMs();
    const breakers = this.#breakersOf(call);
    const tool = call.tool === undefined ? undefined : breakers.tools.find(call.tool);
    // While it waited, what it waited for may have broken.
    const refusal = this.#whyClosed(breakers, call, tool, nowMs) ?? this.#whyHeldOff(nowMs);
    if (refusal === undefined) return call.onAdmitted(new GuardPermit(this, breakers, share, call.tool, tool, nowMs));
    this.#limit.release(share);
    call.onRefused(refusal);
  }

  onDropped(call: GuardedCall, why: Drop): void {
    call.onRefused(this.#refuse("queue", this.#noPlace(why)));
  }

  attempted(replica: string, tool: string | undefined, ending: Ending, retryAfterMs?: number): void {
    const nowMs = this.#options.clock.nowMs();
    this.#outliers.attempted(replica, tool, endings[ending].replica, nowMs);
    if (ending === "rate_limited" && retryAfterMs !== undefined) this.#holdOff(replica, retryAfterMs, nowMs);
  }

  isEjected(replica: string): boolean {
    return !this.#outliers.isQuiet && this.#outliers.isEjected(replica, this.#options.clock.nowMs());
  }

  ejectedUntil(replica: string): string | undefined {
    const { clock } = this.#options;
    const untilMs = this.#outliers.ejectedUntilMs(replica, clock.nowMs());
    return untilMs === undefined ? undefined : timestamp(clock.wallMs() + untilMs - clock.nowMs());
  }

  isHeldOff(replica: string): boolean {
    return !this.#holdOffs.isQuiet && this.#holdOffs.leftMs(replica, this.#options.clock.nowMs()) > 0;
  }

  heldOffUntil(replica: string): string | undefined {
    const { clock } = this.#options;
    const leftMs = this.#holdOffs.leftMs(replica, clock.nowMs());
    return leftMs === 0 ? undefined : timestamp(clock.wallMs() + leftMs);
  }

  refuseHeldOff(replicas: readonly string[]): ManagerError | undefined {
    return this.#whyHeldOff(this.#options.clock.nowMs(), replicas);
  }

  weight(replica: string): number {
    return this.#slowStart.isOver ? 1 : this.#slowStart.weight(replica, this.#options.clock.nowMs());
  }

  replicas(names: readonly string[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const name of this.#known) if (!names.includes(name)) this.#slowStart.forget(name);
    for (const name of names) if (!this.#known.includes(name)) this.#slowStart.begin(name, nowMs);
    this.#known = names;
    this.#outliers.setReplicas(names, nowMs);
    this.#holdOffs.setReplicas(names);
    for (const revision of this.#beside.keys())
      if (!names.some((name) => name.startsWith(`${revision}-`))) this.#beside.delete(revision);
  }

  mayRetry(): boolean {
    if (!this.#budget.claim(this.#limit.inFlight)) return false;
    this.#retries++;
    return true;
  }

  retried(): void {
    this.#budget.release();
  }

  force(override: Forced | undefined): void {
    this.#breakers.server.force(override);
  }

  setRules(rules: GuardRules): void {
    const isSameRate =
      rules.rate?.perSecond === this.#rules.rate?.perSecond && rules.rate?.burst === this.#rules.rate?.burst;
    if (!isSameRate) this.#rate = rules.rate === undefined ? undefined : new RateLimit(rules.rate);
    this.#rules = rules;
    this.#breakers.setRules(rules);
    for (const breakers of this.#beside.values()) breakers.setRules(rules);
    this.#limit.setBounds(rules.concurrency, rules.queue);
  }

  get entered(): number {
    return this.#entered;
  }

  get breaker(): BreakerState {
    return this.#breakers.server.state;
  }

  get detail(): BreakerDetail | undefined {
    return this.#breakers.detail;
  }

  get load(): ServerLoad {
    const { inFlight, waiting } = this.#limit;
    const nowMs = this.#options.clock.nowMs();
    return {
      inFlight,
      concurrency: this.#rules.concurrency,
      waiting,
      refused: { ...this.#refused },
      retries: this.#retries,
      ejected: this.#outliers.ejected(nowMs),
      heldOff: this.#holdOffs.held(nowMs),
    };
  }

  waitingFor(revision: string): number {
    return this.#limit.waitingOf((call) => call.revision === revision);
  }

  /** The end of a call that was admitted; for its permit. */
  onEnd(permit: GuardPermit, ending: Ending, tookMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    const isSuccess = toolVerdicts[ending] === "success";
    if (isSuccess) this.#usual.add(tookMs);
    permit.breakers.ended(permit, ending, isSuccess && tookMs > this.#rules.slowMs, nowMs);
    // Last, so that whoever is served next sees what became of this one.
    this.#limit.release(permit.share);
  }

  /** What a person decided holds for every revision. */
  #breakersOf({ beside }: GuardedCall): Breakers {
    if (beside === undefined || this.#breakers.server.forced !== undefined) return this.#breakers;
    let breakers = this.#beside.get(beside);
    if (breakers === undefined) this.#beside.set(beside, (breakers = this.#newBreakers(beside)));
    return breakers;
  }

  #newBreakers(revision: string | undefined): Breakers {
    const { clock, random } = this.#options;
    const made: Breakers = new Breakers({
      rules: this.#rules,
      clock,
      random,
      onChange: (breaker, tool, change) => {
        this.#options.onChange({ kind: "breaker", tool, ...(revision === undefined ? {} : { revision }), ...change });
        if (change.to === "open") this.#turnAwayFrom(made, breaker, tool);
      },
    });
    return made;
  }

  /** Why no call goes on now; undefined when one may. */
  #whyClosed(
    breakers: Breakers,
    { tool: name }: GuardedCall,
    tool: CircuitBreaker | undefined,
    nowMs: number,
  ): ManagerError | undefined {
    const closed = breakers.closed(tool, nowMs);
    if (closed === undefined) return undefined;
    const subject = closed === tool ? name : undefined;
    return this.#refuse("breaker", circuitOpen(this.#options.server, subject, closed, nowMs));
  }

  /** Why no call goes on to these replicas, by default to any; undefined when one may. */
  #whyHeldOff(nowMs: number, replicas?: readonly string[]): ManagerError | undefined {
    if (this.#holdOffs.isQuiet) return undefined;
    const leftMs = this.#holdOffs.leastLeftMs(nowMs, replicas);
    return leftMs === 0 ? undefined : this.#refuse("heldOff", heldOff(this.#options.server, leftMs));
  }

  #whyTooFast(nowMs: number): ManagerError | undefined {
    if (this.#rate === undefined) return undefined;
    const waitMs = this.#rate.waitMs(nowMs);
    if (waitMs === 0) return undefined;
    return this.#refuse("rate", rateLimited(this.#options.server, this.#rate.perSecond, waitMs));
  }

  #refuse(why: keyof ServerLoad["refused"], error: ManagerError): ManagerError {
    this.#refused[why]++;
    return error;
  }

  #noPlace(why: Drop): ManagerError {
    const { concurrency, queue } = this.#rules;
    return noPlace(this.#options.server, why, { places: concurrency, queue, waiting: this.#limit.waiting });
  }

  #holdOff(replica: string, forMs: number, nowMs: number): void {
    const newsMs = this.#holdOffs.begin(replica, forMs, nowMs);
    if (newsMs !== undefined) this.#options.onChange({ kind: "held-off", replica, forMs: newsMs });
    const leftMs = this.#holdOffs.leastLeftMs(nowMs);
    if (leftMs > 0) this.#turnAway("heldOff", isAny, () => heldOff(this.#options.server, leftMs));
  }

  /** A breaker has opened: that of a tool, or of the server. */
  #turnAwayFrom(breakers: Breakers, breaker: CircuitBreaker, tool: string | undefined): void {
    if (tool !== undefined && breakers.server.forced !== undefined) return;
    const { server, clock } = this.#options;
    const nowMs = clock.nowMs();
    const isMeant = (call: GuardedCall): boolean =>
      this.#breakersOf(call) === breakers && (tool === undefined || call.tool === tool);
    this.#turnAway("breaker", isMeant, () => circuitOpen(server, tool, breaker, nowMs));
  }

  /** Nobody waits for what will be refused. */
  #turnAway(why: "breaker" | "heldOff", isMeant: (call: GuardedCall) => boolean, refusal: () => ManagerError): void {
    for (const call of this.#limit.takeOut(isMeant)) call.onRefused(this.#refuse(why, refusal()));
  }
}

function isAny(): boolean {
  return true;
}

/** The place of one call, and what the breakers knew when it got it. */
class GuardPermit implements Permit, Admitted {
  readonly breakers: Breakers;
  readonly share: Share;
  readonly tool: string | undefined;
  readonly serverGeneration: number;
  readonly toolGeneration: number;
  #guard: ServerGuard | undefined;

  constructor(
    guard: ServerGuard,
    breakers: Breakers,
    share: Share,
    name: string | undefined,
    tool: CircuitBreaker | undefined,
    nowMs: number,
  ) {
    this.#guard = guard;
    this.breakers = breakers;
    this.share = share;
    this.tool = name;
    this.serverGeneration = breakers.server.admit(nowMs);
    this.toolGeneration = tool?.admit(nowMs) ?? 0;
  }

  end(ending: Ending, tookMs: number): void {
    const guard = this.#guard;
    if (guard === undefined) return;
    this.#guard = undefined;
    guard.onEnd(this, ending, tookMs);
  }
}

function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
