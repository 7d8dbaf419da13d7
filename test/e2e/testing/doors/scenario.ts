/**
 * One day of an operator, through any door: deploy two servers, watch, call, deploy a version that cannot start, see the event, roll
 * back, and further back. What was seen comes back as a transcript without names of moments, so that two doors can be held against each other.
 */
import type { DeploymentPhase, Event } from "@mcp-manager/api";
import { until } from "../manager.ts";
import { releaseSource } from "../releases.ts";
import type { ManagingDoor } from "./door.ts";

/** What the operator saw. */
export interface Transcript {
  readonly servers: readonly string[];
  /** Answers of calls, in order. */
  readonly calls: readonly string[];
  /** `beta-3-1: Failed (CannotStart)` */
  readonly ends: readonly string[];
  /** The revisions that were stable, one after the other. */
  readonly stable: readonly (string | undefined)[];
  /** Code of the error of a server that is not there. */
  readonly missing: string;
  /** Events of deployments that began or ended, of each server by itself, in order. */
  readonly events: Readonly<Record<string, readonly string[]>>;
}

const spec = { strategy: { kind: "rolling", minReady: "0s" }, health: { startup: "10s" } };
const over: readonly DeploymentPhase[] = ["Completed", "Aborted", "Failed"];

/** Goes through the day. */
export async function operate(door: ManagingDoor): Promise<Transcript> {
  const watching = await door.watch(["server.registered", "deployment.phase"]);
  const calls: string[] = [];
  const ends: string[] = [];
  const stable: (string | undefined)[] = [];
  const settle = async (name: string | undefined): Promise<void> => {
    if (name === undefined) throw new Error(`${door.name}: no deployment began`);
    let end = "";
    await until(`${name} is over`, async () => {
      const { status } = await door.deployment(name);
      end = `${name}: ${status.phase}${status.reason === undefined ? "" : ` (${status.reason})`}`;
      return over.includes(status.phase);
    });
    ends.push(end);
    stable.push((await door.get("beta").catch(() => undefined))?.status.revision);
  };
  const which = async (server: string): Promise<void> => void calls.push(await door.call(server, "which"));

  await settle(await door.deploy("alpha", { ...spec, source: releaseSource({ version: 1 }) }));
  await settle(await door.deploy("beta", { ...spec, source: releaseSource({ version: 1 }) }));
  const servers = await door.list();
  await which("alpha");
  await which("beta");
  await settle(await door.deploy("beta", { ...spec, source: releaseSource({ version: 2 }) }));
  await which("beta");
  const broken = await door.deploy("beta", { ...spec, source: releaseSource({ version: 3, broken: true }) });
  await until("the failure is heard of", () => Promise.resolve(isHeard(watching.seen, broken, "Failed")));
  await settle(broken);
  await which("beta");
  // What is wanted is what runs again, and then what ran before that.
  await settle(await door.rollback("beta"));
  await which("beta");
  const back = await door.rollback("beta", "beta-1");
  await settle(back);
  await which("beta");
  await until("the last end is heard of", () => Promise.resolve(isHeard(watching.seen, back, "Completed")));
  const missing = await door.codeOfMissing("gamma");
  return {
    servers,
    calls,
    ends,
    stable,
    missing,
    events: { alpha: told(watching.seen, "alpha"), beta: told(watching.seen, "beta") },
  };
}

function isHeard(seen: readonly Event[], deployment: string | undefined, phase: DeploymentPhase): boolean {
  return seen.some(({ data }) => data?.["deployment"] === deployment && data?.["to"] === phase);
}

/** Registrations and ends: what lies between depends on how quickly a process comes up. */
function told(seen: readonly Event[], of: string): readonly string[] {
  return seen
    .filter(({ server }) => server === of)
    .flatMap(({ topic, data }) => {
      if (topic === "server.registered") return topic;
      const to = String(data?.["to"]);
      return over.some((phase) => phase === to) ? `${String(data?.["deployment"])} ${to}` : [];
    });
}
