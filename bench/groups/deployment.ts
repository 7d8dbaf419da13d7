/** What a deployment under way costs the calls of its server: none, a canary that half of the callers go to, and an old revision that drains. */
import { setTimeout as sleep } from "node:timers/promises";
import { manager, type Source } from "../peers/manager.ts";
import { nginx, nginxName } from "../peers/nginx.ts";
import type { Contestant, RunningContestant, Target } from "../rig/contestant.ts";
import { openSessions, tryCall } from "../rig/session.ts";
import { startUpstream } from "../rig/upstream.ts";
import { type CallGroup, contestantCore, costOnly, loadCore, remote } from "./group.ts";

const era = "modern";
/** Longer than any run: what is measured stays as it is. */
const deploymentRules = { drainTimeout: "1h" };
const canary = { kind: "canary", steps: [{ weight: 50 }], analysis: [] };
const reachedMsMax = 60_000;

export const deployment: CallGroup = {
  kind: "calls",
  name: "deployment",
  title: "A small call while its server is deployed, modern era, through `/servers/{name}/mcp`",
  baseline: nginxName,
  withChildren: false,
  extent: costOnly,
  remark:
    "The plain hop is nginx. Each manager has the same server: one without a deployment, one at a canary's step of 50 % that waits for a person, one whose old revision drains because a legacy session is on it. Both revisions are the same upstream, with another header. All calls are one principal's, who is sorted anew for each.",
  goals: [],
  async prepare() {
    const upstream = await startUpstream("both", loadCore);
    const source = remote(upstream);
    const contestants = [
      nginx(upstream.port, era, contestantCore),
      deployed("manager, no deployment", source),
      deployed("manager, canary at 50 %", source, atHalf),
      deployed("manager, draining", source, draining),
    ];
    return { contestants, stop: () => upstream.stop() };
  },
};

/** The manager with one server, brought to where it is to be measured. */
function deployed(name: string, source: Source, bring?: (target: Target, source: Source) => Promise<void>): Contestant {
  const plain = manager({ name, servers: { bench: source }, era, endpoint: "server", core: contestantCore });
  return {
    name,
    async start(): Promise<RunningContestant> {
      const running = await plain.start();
      try {
        await bring?.(running.target, source);
        return running;
      } catch (error) {
        await running.stop();
        throw error;
      }
    },
  };
}

async function atHalf(target: Target, source: Source): Promise<void> {
  const spec = { source: { ...source, headers: { "X-Revision": "2" } }, strategy: canary, deployment: deploymentRules };
  await ask(target, "PUT", "servers/bench", { kind: "Server", metadata: { name: "bench" }, spec });
  await reached(target, (status) => status.phase === "Paused" && status.traffic.target === 50);
}

async function draining(target: Target, source: Source): Promise<void> {
  const legacy: Target = { ...target, era: "legacy" };
  const [session] = await openSessions(legacy, 1);
  await tryCall(legacy, session);
  await atHalf(target, source);
  await ask(target, "POST", "deployments/bench-2-1/promote", { full: true });
  await reached(target, ({ phase }) => phase === "Draining");
}

/** As much of a Deployment's status as is looked at. */
interface Status {
  readonly phase: string;
  readonly message?: string;
  readonly traffic: { readonly target: number };
}

async function reached(target: Target, isThere: (status: Status) => boolean): Promise<void> {
  for (const end = Date.now() + reachedMsMax; ; await sleep(100)) {
    const { status } = (await ask(target, "GET", "deployments/bench-2-1")) as { readonly status: Status };
    if (isThere(status)) return;
    if (Date.now() > end)
      throw new Error(`the deployment stays ${status.phase}: ${status.message ?? "nobody says why"}`);
  }
}

async function ask({ url, authorization = "" }: Target, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization, "content-type": "application/json" };
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const response = await fetch(new URL(`/api/v1/${path}`, url), init);
  if (response.ok) return await response.json();
  throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}
