/** Time that passes for a controller's loop, with agents that do what they are told to. For tests with the bench of the loop. */
import type { ManualClock } from "../../base/clock.ts";
import { kinds } from "../../registry/kinds.ts";
import type { Bench } from "./loop-bench.ts";

/** What agents do: whatever there is becomes ready and says what it offers, what drains stops. */
async function actAsAgent({ registry }: Bench): Promise<void> {
  const catalogues = registry.resources(kinds.Catalogue);
  const replicas = registry.resources(kinds.Replica);
  for (const { metadata, spec, status } of (await replicas.list()).items) {
    const state = spec.drain === true ? "stopped" : "ready";
    const catalogue = `sha256:${spec.revision}`;
    if (status.state !== state)
      await replicas.updateStatus(metadata.name, (replica) => ({ ...replica.status, state, catalogue }));
    const record = { server: "weather", digest: catalogue, text: "{}", ttlMs: 1_000 };
    if ((await catalogues.get(spec.revision)) === undefined)
      await catalogues.create({ name: spec.revision, spec: record });
  }
}

/** So many seconds, with a restart of the loop after each `restartEvery` of them. */
export async function pass(
  bench: Bench,
  clock: ManualClock,
  seconds: number,
  restartEvery: number = Infinity,
): Promise<void> {
  for (let second = 1; second <= seconds; second++) {
    await bench.settle();
    await actAsAgent(bench);
    await bench.settle();
    await clock.advance(1_000);
    if (second % restartEvery === 0) await bench.restart();
  }
}
