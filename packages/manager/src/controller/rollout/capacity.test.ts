import assert from "node:assert/strict";
import { test } from "node:test";
import { replicasBeyond, roomFor } from "./capacity.ts";

test("each strategy needs what it has at its widest", () => {
  const rolling = { kind: "rolling", maxSurge: 2, maxUnavailable: 0, minReady: "5s" } as const;
  assert.equal(replicasBeyond(rolling, 4), 2);
  assert.equal(replicasBeyond(rolling, 1), 1);
  assert.equal(replicasBeyond(rolling, 4, true), 4, "a way back is taken whole");
  assert.equal(replicasBeyond({ kind: "recreate" }, 4), 0);
  assert.equal(replicasBeyond({ kind: "canary", steps: [] }, 4), 4);
});

test("what is not bounded, or not needed, fits", () => {
  const need = { replicas: 2, each: { processes: 64, memoryBytes: 2 ** 29 } };
  assert.deepEqual(roomFor("weather", need, {}, { replicas: 1_000 }), { kind: "enough" });
  assert.deepEqual(roomFor("weather", need, { replicas: 4, processes: 128, memoryBytes: 2 ** 30 }, {}), {
    kind: "enough",
  });
  assert.deepEqual(roomFor("weather", { ...need, replicas: 0 }, { replicas: 4 }, { replicas: 9 }), { kind: "enough" });
});

test("what does not fit is named with its figures and what to do", () => {
  const need = { replicas: 2, each: { processes: 64, memoryBytes: 2 ** 29 } };
  assert.deepEqual(
    roomFor("weather", need, { replicas: 9, memoryBytes: 2 ** 30 }, { replicas: 8, memoryBytes: 2 ** 29 }),
    {
      kind: "lacking",
      message:
        "2 more replicas of server weather do not fit: replicas: 2 more needed, 8 of 9 taken; " +
        "memory: 1GiB more needed, 512MiB of 1GiB taken; lower its replicas or limits, or stop another server, then retry",
    },
  );
});
