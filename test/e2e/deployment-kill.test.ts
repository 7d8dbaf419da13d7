/** A manager that is killed in the middle of a deployment goes on at the same step when it comes again, and ends as if nothing had been. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Deployment, DeploymentPhase } from "@mcp-manager/api";
import { startManager, type ManagerProcess, until } from "./testing/manager.ts";
import { api, deploy, deploymentOf, reaches, serverOf } from "./testing/releases.ts";

const deployment = { drainTimeout: "1s" };
const plans: Readonly<Record<string, object>> = {
  rolling: { replicas: 2, strategy: { kind: "rolling", minReady: "300ms" }, deployment },
  recreate: { replicas: 1, strategy: { kind: "recreate" }, deployment },
  "blue-green": {
    replicas: 1,
    strategy: { kind: "blue-green", previewFor: "1s", scaleDownDelay: "500ms" },
    deployment,
  },
  canary: {
    replicas: 1,
    strategy: {
      kind: "canary",
      steps: [
        { weight: 20, pause: "1s" },
        { weight: 60, pause: "1s" },
      ],
      analysis: [],
    },
    deployment,
  },
  ab: { replicas: 1, strategy: { kind: "ab" }, deployment },
};

/** Where a deployment is, as far as a person can tell. */
function placeOf({ status: { phase, step } }: Deployment): string {
  return step === undefined ? phase : `${phase} ${step.index}`;
}

for (const [kind, spec] of Object.entries(plans)) {
  test(`killed at each step of ${kind}, it ends as if nothing had happened`, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "mcp-manager-kill-"));
    let manager = await startManager({ dataDir, config: JSON.stringify({ agent: { spares: 0 } }) });
    try {
      await reaches(manager, await deploy(manager, "s", { version: 1 }, spec), "Completed");
      const name = await deploy(manager, "s", { version: 2 }, spec);
      const killedAt = new Set<string>();
      for (;;) {
        const place = await nextPlace(manager, name, kind, killedAt);
        if (place === undefined) break;
        killedAt.add(place);
        await manager.end("SIGKILL");
        manager = await startManager({ dataDir, config: JSON.stringify({ agent: { spares: 0 } }) });
      }
      // With nothing to wait for, what comes after the check is over before anybody can look.
      assert.ok(killedAt.size >= (kind === "recreate" ? 1 : 3), `it was killed at ${[...killedAt].join(", ")}`);
      const server = await serverOf(manager, "s");
      assert.deepEqual(server.status.traffic, [{ revision: "s-2", weight: 100 }]);
      await until("the old replicas are gone", async () => {
        const { items } = await manager.client.servers.replicas("s");
        return items.every((replica) => replica.spec.revision === "s-2" && replica.status.state === "ready");
      });
    } finally {
      await manager.end("SIGTERM");
      await rm(dataDir, { recursive: true, force: true });
    }
  });
}

const over: readonly DeploymentPhase[] = ["Completed", "Aborted", "Failed"];

/** The next place where it was not killed yet; undefined when it is completed. An A/B deployment is promoted when it is seen twice. */
async function nextPlace(
  manager: ManagerProcess,
  name: string,
  kind: string,
  killedAt: ReadonlySet<string>,
): Promise<string | undefined> {
  let found: string | undefined;
  await until(
    `${name} goes on`,
    async () => {
      const seen = await deploymentOf(manager, name);
      const place = placeOf(seen);
      if (over.includes(seen.status.phase)) {
        assert.equal(seen.status.phase, "Completed", JSON.stringify(seen.status));
        return true;
      }
      if (!killedAt.has(place)) {
        found = place;
        return true;
      }
      if (kind === "ab" && seen.status.phase === "Progressing") {
        await api(manager, "POST", `deployments/${name}/promote`, { full: true });
      }
      return false;
    },
    1,
  );
  return found;
}
