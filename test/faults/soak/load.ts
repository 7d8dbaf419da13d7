/**
 * The steady load of a soak: callers that call, think and call again; one that looks at the lists, and one that listens to what changes.
 * None of them minds failures: each counts how it ended and goes on until it is told to stop.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../../packages/manager/src/base/random.ts";
import { postModern, sendModern } from "../../e2e/testing/modern.ts";
import { type FaultClient, resultOf } from "../testing/ledger.ts";
import type { Scenario } from "../testing/scenario.ts";
import { guests } from "./members.ts";
import { chosen } from "./schedule.ts";
import { nameOf, type Tally } from "./tally.ts";

export interface LoadOptions {
  readonly scenario: Scenario;
  readonly clients: readonly FaultClient[];
  readonly servers: readonly string[];
  readonly random: Random;
  readonly tally: Tally;
}

/** Between an answer and the next call of one caller, on average. */
const thinkMs = 80;
const listMs = 1_000;
/** An answer to a list is late after this: its own deadline, and what a busy machine adds. */
const listMaxMs = 15_000;

/** Runs until the signal; resolves when nothing of it is under way any more. */
export async function runLoad(options: LoadOptions, signal: AbortSignal): Promise<void> {
  const callers = options.clients.map((client) => callOn(client, options, signal));
  await Promise.all([...callers, listOn(options, signal), listenOn(options, signal)]);
}

async function callOn(client: FaultClient, options: LoadOptions, signal: AbortSignal): Promise<void> {
  const { servers, random, tally } = options;
  while (!signal.aborted) {
    const server = chosen(random.next() < 0.05 ? guests : servers, random.next()) ?? "";
    const ending = await client.call(server, ...usualCall(random));
    tally.add(nameOf(ending));
    // Its session is over: it is to open another.
    if (ending.kind === "answered" && ending.status === 404) client.reset();
    await pause(2 * thinkMs * random.next(), signal);
  }
}

function usualCall(random: Random): readonly [tool: string, args: object] {
  const which = random.next();
  if (which < 0.1) return ["sleep", { ms: Math.floor(300 * random.next()) }];
  if (which < 0.15) return ["fail", {}];
  return ["echo", { filler: "x".repeat(Math.floor(2_000 * random.next())) }];
}

async function listOn({ scenario, tally }: LoadOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ended = sendModern(scenario.manager, "tools/list", {}, { signal: AbortSignal.timeout(listMaxMs) });
    const name = await ended.then(
      ({ status }) => (status === 200 ? "list" : "no list"),
      (error: Error) => (error.name === "TimeoutError" ? "list too late" : "no list"),
    );
    tally.add(name);
    await pause(listMs, signal);
  }
}

async function listenOn({ scenario, tally }: LoadOptions, signal: AbortSignal): Promise<void> {
  const params = { notifications: { toolsListChanged: true } };
  while (!signal.aborted) {
    const ended = postModern(scenario.manager, "subscriptions/listen", params, { signal }).then((answer) =>
      answer.text(),
    );
    await ended.then(
      () => tally.add("stream ended"),
      () => tally.add("stream cut"),
    );
    await pause(listMs, signal);
  }
}

/** Resolves after a time, which may be past, or at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

/** Has servers write more to stderr than is kept of it: what is bounded and fills up is full before anything is compared. */
export async function fillLogs({ clients, tally }: LoadOptions, onPipes: readonly string[]): Promise<void> {
  const args = { do: "stderr", lines: 80, bytes: 16_000 };
  // One after the other: a burst of all of them is no usual load.
  for (const server of onPipes)
    for (const client of clients) tally.add(nameOf(await client.call(server, "fault", args)));
}

/**
 * Every caller calls every server once, all at a time; gives who was not answered. An open breaker is an answer: it is right for up to
 * 300 s after it opened.
 */
export async function unanswered({ clients, servers, tally }: LoadOptions): Promise<readonly string[]> {
  const calls = clients.flatMap((client) =>
    servers.map(async (server): Promise<readonly string[]> => {
      const ending = await client.call(server, "echo");
      const name = nameOf(ending);
      tally.add(name);
      if (ending.kind === "answered" && ending.status === 404) client.reset();
      const isWell = resultOf(ending) !== undefined || name === "circuit_open";
      return isWell ? [] : [`I6: ${client.name} gets ${name} from ${server}`];
    }),
  );
  return (await Promise.all(calls)).flat();
}
