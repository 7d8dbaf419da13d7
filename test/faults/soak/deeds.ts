/**
 * What each fault of a schedule does, and how it is undone. A fault that finds nobody there (the manager is just away, the server is just
 * gone) is not done, and that is no breach; everything else that it throws is.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { ManagerError, type ErrorCode } from "@mcp-manager/api";
import { postModern } from "../../e2e/testing/modern.ts";
import { isAlive, processesWith } from "../../e2e/testing/processes.ts";
import type { FakeState } from "../testing/fake.ts";
import type { WireFaults } from "../testing/fault-proxy.ts";
import type { FaultClient } from "../testing/ledger.ts";
import type { Scenario } from "../testing/scenario.ts";
import { badCallsOf } from "./bad-calls.ts";
import { guestOf } from "./members.ts";
import { chosen, type Fault, type FaultKind } from "./schedule.ts";
import { nameOf, type Tally } from "./tally.ts";

/** What faults are done with. */
export interface Stage {
  readonly scenario: Scenario;
  readonly clients: readonly FaultClient[];
  readonly calls: Tally;
  /** Ends the manager and starts it again. */
  restartManager(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

type Deed = (stage: Stage, fault: Fault) => Promise<void>;

const wireDeeds = {
  "wire slow": onWire({ latencyMs: 30, sliceBytes: 200 }),
  "wire half closed": onWire({ halfCloseAfterBytes: 1 }),
  "wire refuses": onWire({ refuse: true }),
  "black hole": onWire({ blackHole: true }),
  "wire cut": async ({ scenario }, { target }) => scenario.wire(target.name).cut(),
  "wire reset": async ({ scenario }, { target }) => scenario.wire(target.name).reset(),
} satisfies Partial<Record<FaultKind, Deed>>;

const stateDeeds = {
  "all hang": inState(() => [{ hang: true }, { hang: false }]),
  "too many": inState((pick) => [{ status: pick < 0.5 ? 429 : 503, retryAfter: 1 }, { status: null }]),
  "lists change": async (stage, fault) => {
    const { target, pick, forMs } = fault;
    const client = clientOf(stage, pick);
    const set = async (listChanges: boolean): Promise<void> => {
      if (target.place !== "stdio") return await stage.scenario.fake(target.name).set({ listChanges });
      stage.calls.add(nameOf(await client.call(target.name, "set", { set: { listChanges } })));
    };
    await set(true);
    await sleep(forMs);
    await set(false);
  },
  "sessions lost": async ({ scenario }, { target }) => scenario.fake(target.name).loseSessions(),
} satisfies Partial<Record<FaultKind, Deed>>;

const processDeeds = {
  fork: async (stage, { target, pick }) => {
    const client = clientOf(stage, pick);
    for (const args of [{ do: "daemon" }, { do: "fork", count: 10 }, { do: "crash" }])
      stage.calls.add(nameOf(await client.call(target.name, "fault", args)));
  },
  kill: async ({ scenario }, { target, pick }) => {
    const pid = chosen(processesWith(scenario.tag, `"name":"${target.name}"`), pick);
    if (pid !== undefined) signalled(pid, "SIGKILL");
  },
  stop: async ({ scenario }, { target, pick, forMs }) => {
    if (target.place !== "stdio") {
      scenario.fake(target.name).signal("SIGSTOP");
      await sleep(forMs);
      return scenario.fake(target.name).signal("SIGCONT");
    }
    const pid = chosen(processesWith(scenario.tag, `"name":"${target.name}"`), pick);
    if (pid === undefined) return;
    signalled(pid, "SIGSTOP");
    await sleep(forMs);
    if (isAlive(pid)) signalled(pid, "SIGCONT");
  },
} satisfies Partial<Record<FaultKind, Deed>>;

const clientDeeds = {
  // Who is asked has ten minutes to answer; it leaves before that.
  ask: async (stage, { target, pick }) => {
    const signal = AbortSignal.timeout(500 + Math.floor(2_000 * pick));
    stage.calls.add(nameOf(await clientOf(stage, pick).call(target.name, "fault", { do: "ask" }, { signal })));
  },
  "client leaves": async (stage, { target, pick }) => {
    const signal = AbortSignal.timeout(20 + Math.floor(300 * pick));
    stage.calls.add(nameOf(await clientOf(stage, pick).call(target.name, "sleep", { ms: 2_000 }, { signal })));
  },
  "client does not read": async ({ scenario }, { target, forMs }) => {
    const args = { name: `${target.name}__fault`, arguments: { do: "long", bytes: 31_457_280 } };
    const gone = new AbortController();
    const answer = postModern(scenario.manager, "tools/call", args, { signal: gone.signal });
    await answer.then(() => sleep(forMs)).catch(() => undefined);
    gone.abort();
  },
} satisfies Partial<Record<FaultKind, Deed>>;

const operatorDeeds = {
  restart: async ({ scenario }, { target }) => void (await scenario.manager.client.servers.restart(target.name)),
  apply: async ({ scenario }, { target, pick }) => scenario.apply(target.name, guestOf(pick)),
  delete: async ({ scenario }, { target, pick }) => {
    scenario.acknowledged.delete(target.name);
    await scenario.manager.client.servers.delete(target.name, { force: pick < 0.3 });
  },
  "manager killed": (stage) => stage.restartManager("SIGKILL"),
  "manager stopped": (stage) => stage.restartManager("SIGTERM"),
} satisfies Partial<Record<FaultKind, Deed>>;

const deeds: Partial<Record<FaultKind, Deed>> = {
  ...wireDeeds,
  ...stateDeeds,
  ...processDeeds,
  ...clientDeeds,
  ...operatorDeeds,
};

/** Whether it is known what to do. */
export function isKnown({ kind, target }: Fault): boolean {
  return badCallsOf(kind, target.place) !== undefined || deeds[kind] !== undefined;
}

/** Does it, and resolves when it is undone; false when there was nobody to do it to. */
export async function perform(stage: Stage, fault: Fault): Promise<boolean> {
  const { kind, target, pick } = fault;
  const args = chosen(badCallsOf(kind, target.place) ?? [], pick);
  if (args !== undefined) {
    stage.calls.add(nameOf(await clientOf(stage, pick).call(target.name, "fault", args)));
    return true;
  }
  const deed = deeds[kind];
  assert.ok(deed, `there is a deed for ${kind} on ${target.place}`);
  try {
    await deed(stage, fault);
    return true;
  } catch (error) {
    if (isAway(error)) return false;
    throw error;
  }
}

/** What an operator may be told while things go wrong. */
const awayCodes: readonly ErrorCode[] = ["unavailable", "not_found", "conflict", "failed_precondition"];

function isAway(error: unknown): boolean {
  return error instanceof ManagerError && awayCodes.includes(error.code);
}

function onWire(faults: WireFaults): Deed {
  return async ({ scenario }, { target, forMs }) => {
    const wire = scenario.wire(target.name);
    wire.faults = faults;
    await sleep(forMs);
    wire.faults = {};
    // What was lost on the way is not to be missing in the middle of a connection that goes on.
    wire.cut();
  };
}

function inState(states: (pick: number) => readonly [on: FakeState, off: FakeState]): Deed {
  return async ({ scenario }, { target, pick, forMs }) => {
    const [on, off] = states(pick);
    await scenario.fake(target.name).set(on);
    await sleep(forMs);
    await scenario.fake(target.name).set(off);
  };
}

/** Another one than `pick` itself chooses, so that each caller comes to each variant. */
function clientOf({ clients }: Stage, pick: number): FaultClient {
  const client = chosen(clients, (pick * 997) % 1);
  assert.ok(client, "there are callers");
  return client;
}

/** To a process that may be gone meanwhile. */
function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was faster.
  }
}
