/**
 * One soak from its start to its end: a warm-up under the load alone, after which the baseline is taken; the storm, in which the faults of
 * the schedule happen under the same load; a calm in which it recovers; and the end, at which everything is held against the invariants.
 * What is to hold all the time is looked at all the time. Says nothing; that is soak.ts's.
 */
import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { ManagerError } from "@mcp-manager/api";
import { seededRandom } from "../../../packages/manager/src/base/random.ts";
import { until } from "../../e2e/testing/manager.ts";
import type { FaultClient } from "../testing/ledger.ts";
import { type Holdings, holdingsOf } from "../testing/machine.ts";
import type { AllHoldings } from "../testing/invariants.ts";
import { Scenario } from "../testing/scenario.ts";
import { perform, type Stage } from "./deeds.ts";
import { fillLogs, type LoadOptions, pause, runLoad, unanswered } from "./load.ts";
import { guests, serversOf, targetsOf } from "./members.ts";
import type { SoakOptions } from "./options.ts";
import { type Fault, scheduleOf } from "./schedule.ts";
import { Tally } from "./tally.ts";

const callersOfEachEra = 4;
const lookMs = 10_000;
/** More entries are not kept in the books: what was found right is dropped. */
const pageMax = 100_000;

/** What the manager may hold beside a tenth more. */
const slack = { descriptors: 0, rssBytes: 0, processes: 0 };

/** How a run went in which everything held. */
export interface SoakOutcome {
  /** What the manager held after the warm-up. */
  readonly before: AllHoldings;
  readonly after: AllHoldings;
  /** How long it took until all was well again. */
  readonly settledMs: number;
}

export class SoakRun implements Stage {
  readonly calls: Tally = new Tally();
  readonly faults: Tally = new Tally();
  /** Faults that found nobody to be done to. */
  readonly missed: Tally = new Tally();
  readonly scenario: Scenario;
  readonly clients: readonly FaultClient[];
  readonly #load: LoadOptions;
  readonly #schedule: readonly Fault[];
  /** Servers whose stderr is kept. */
  readonly #onPipes: readonly string[];
  readonly #stop: AbortController;
  /** Resolves when there is nothing to wait for any more: what is under way may never end. */
  readonly #stopped: Promise<unknown>;
  readonly #phases: Phases;
  readonly #endMs: number;
  #breach: unknown;
  #isAway = false;

  /** Starts everything; the time runs from here. `stop` ends it early, by a person or a breach. */
  static async start(options: SoakOptions, stop: AbortController): Promise<SoakRun> {
    const servers = serversOf(options.servers);
    const settings = { gateway: { timeouts: { stalled: "2s" } } };
    const scenario = await Scenario.start({ servers, settings, hasMoments: true, slack });
    try {
      const clients: FaultClient[] = [];
      for (const era of ["legacy", "modern"] as const)
        for (let at = 0; at < callersOfEachEra; at += 1) {
          // What waits for a modern one that went away is kept for minutes: it may come again.
          const canBeAsked = era === "legacy" && at % 2 === 0;
          clients.push(await scenario.client(`${era}-${at}`, era, canBeAsked ? { sampling: {} } : undefined));
        }
      return new SoakRun(options, scenario, clients, stop);
    } catch (error) {
      await scenario.abandon();
      throw error;
    }
  }

  private constructor(
    { minutes, seed, servers }: SoakOptions,
    scenario: Scenario,
    clients: readonly FaultClient[],
    stop: AbortController,
  ) {
    this.scenario = scenario;
    this.clients = clients;
    this.#stop = stop;
    this.#stopped = new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    const plans = serversOf(servers);
    this.#phases = phasesOf(minutes * 60_000);
    this.#endMs = performance.now() + minutes * 60_000;
    const targets = targetsOf(plans);
    this.#schedule = scheduleOf(seededRandom(seed), targets, this.#phases.stormMs);
    this.#onPipes = targets.filter(({ place }) => place === "stdio").map(({ name }) => name);
    const random = seededRandom(seed ^ 0x5f_37_59_df);
    this.#load = { scenario, clients, servers: Object.keys(plans), random, tally: this.calls };
    this.#watchManager();
  }

  /** Of the load, in milliseconds. */
  get leftMs(): number {
    return this.#endMs - performance.now();
  }

  /** What the manager holds; undefined while there is none. */
  get held(): Holdings | undefined {
    try {
      return holdingsOf(this.scenario.manager.pid);
    } catch {
      return undefined;
    }
  }

  /** All of it; throws with the breaches. */
  async run(): Promise<SoakOutcome> {
    const { warmUpMs, calmMs } = this.#phases;
    const watch = this.#watch();
    try {
      await this.#underLoad(async () => {
        await fillLogs(this.#load, this.#onPipes);
        await pause(warmUpMs, this.#stop.signal);
      });
      this.#throwBreach();
      await this.#allAnswered();
      const before = await this.scenario.takeBaseline();
      await this.#underLoad(async () => {
        await this.#storm();
        await pause(calmMs, this.#stop.signal);
      });
      this.#throwBreach();
      return { before, ...(await this.#end()) };
    } finally {
      this.#stop.abort();
      await watch;
      await this.scenario.abandon();
    }
  }

  async restartManager(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.#isAway) throw new ManagerError("unavailable", "the manager is being started already");
    this.#isAway = true;
    const status = await this.scenario.manager.end(signal);
    if (signal === "SIGTERM") assert.equal(status, 0, this.scenario.manager.output.slice(-2_000));
    await this.scenario.again();
    this.#isAway = false;
    this.#watchManager();
  }

  async #underLoad(body: () => Promise<void>): Promise<void> {
    const over = new AbortController();
    const load = runLoad(this.#load, AbortSignal.any([over.signal, this.#stop.signal]));
    await Promise.race([body(), this.#stopped]);
    over.abort();
    await Promise.race([load, this.#stopped]);
  }

  async #storm(): Promise<void> {
    const startMs = performance.now();
    const under = new Set<Promise<void>>();
    for (const fault of this.#schedule) {
      await pause(startMs + fault.atMs - performance.now(), this.#stop.signal);
      if (this.#stop.signal.aborted) break;
      const done = this.#perform(fault).finally(() => under.delete(done));
      under.add(done);
    }
    await Promise.all(under);
    for (const name of guests) await this.#sendAway(name);
  }

  async #perform(fault: Fault): Promise<void> {
    try {
      const isDone = await perform(this, fault);
      (isDone ? this.faults : this.missed).add(fault.kind);
    } catch (error) {
      this.#fail(new Error(`${fault.kind} of ${fault.target.name}: ${String(error)}`, { cause: error }));
    }
  }

  async #sendAway(name: string): Promise<void> {
    this.scenario.acknowledged.delete(name);
    await this.scenario.manager.client.servers.delete(name).catch((error: unknown) => {
      if (!(error instanceof ManagerError && error.code === "not_found")) this.#fail(error);
    });
  }

  /** What holds at any moment, every so often. */
  async #watch(): Promise<void> {
    for (;;) {
      await pause(lookMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        this.scenario.checkCalls(performance.now());
        await this.#turnPage();
        if (!this.#isAway) await this.scenario.checkServing();
      } catch (error) {
        // It may have gone in between.
        if (!(error instanceof ManagerError && error.code === "unavailable")) this.#fail(error);
      }
    }
  }

  async #turnPage(): Promise<void> {
    const { entries } = this.scenario.ledger;
    if (entries.length < pageMax) return;
    const open = entries.filter(({ end }) => end === undefined);
    entries.splice(0, entries.length, ...open);
    await truncate(this.scenario.journal);
  }

  /** It ends when it is told to, and not by itself. */
  #watchManager(): void {
    const { manager } = this.scenario;
    void manager.exited.then((status) => {
      if (this.#isAway || this.#stop.signal.aborted) return;
      this.#fail(new Error(`the manager ended by itself with ${status}:\n${manager.output.slice(-4_000)}`));
    });
  }

  async #end(): Promise<Omit<SoakOutcome, "before">> {
    const startMs = performance.now();
    await Promise.all([this.#allAnswered(), this.scenario.converge()]);
    const settledMs = performance.now() - startMs;
    const after = await this.scenario.holdings();
    this.#throwBreach();
    this.#stop.abort();
    await this.scenario.finish();
    return { after, settledMs };
  }

  /** Resolves when every caller gets an answer from every server. */
  async #allAnswered(): Promise<void> {
    let missing: readonly string[] = [];
    const look = async (): Promise<boolean> => (missing = await unanswered(this.#load)).length === 0;
    await until("all are answered", look, 500).catch((error: Error) =>
      assert.fail(`${error.message}\n${missing.join("\n")}`),
    );
  }

  #fail(error: unknown): void {
    this.#breach ??= error;
    this.#stop.abort();
  }

  #throwBreach(): void {
    if (this.#breach !== undefined) throw this.#breach;
    if (this.#stop.signal.aborted) throw new Error("it was stopped before its end");
  }
}

/** The parts of a run's time, in milliseconds. */
interface Phases {
  readonly warmUpMs: number;
  readonly stormMs: number;
  readonly calmMs: number;
}

function phasesOf(totalMs: number): Phases {
  const warmUpMs = Math.min(30_000, totalMs / 4);
  const calmMs = Math.min(10_000, totalMs / 10);
  return { warmUpMs, stormMs: totalMs - warmUpMs - calmMs, calmMs };
}
