/** One core behind every door: the same day of an operator, through REST, gRPC, the command line and Python, reads the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cliDoor } from "./testing/doors/cli.ts";
import type { ManagingDoor } from "./testing/doors/door.ts";
import { grpcDoor } from "./testing/doors/grpc.ts";
import { noPython, pythonDoor } from "./testing/doors/python.ts";
import { restDoor } from "./testing/doors/rest.ts";
import { operate, type Transcript } from "./testing/doors/scenario.ts";
import type { ManagerProcess } from "./testing/manager.ts";
import { startManager } from "./testing/manager.ts";

interface Row {
  readonly name: string;
  readonly open: (manager: ManagerProcess) => ManagingDoor;
  readonly skip?: string | false;
}

const doors: readonly Row[] = [
  { name: "REST", open: restDoor },
  { name: "gRPC", open: grpcDoor },
  { name: "the command line", open: cliDoor },
  { name: "Python", open: pythonDoor, skip: noPython },
];

const expected: Transcript = {
  servers: ["alpha", "beta"],
  calls: ["1", "1", "2", "2", "2", "1"],
  ends: [
    "alpha-1-1: Completed",
    "beta-1-1: Completed",
    "beta-2-1: Completed",
    "beta-3-1: Failed (CannotStart)",
    "beta-3-1: Failed (RolledBack)",
    "beta-1-2: Completed (RolledBack)",
  ],
  stable: [undefined, "beta-1", "beta-2", "beta-2", "beta-2", "beta-1"],
  missing: "not_found",
  events: {
    alpha: ["server.registered", "alpha-1-1 Completed"],
    beta: [
      "server.registered",
      "beta-1-1 Completed",
      "beta-2-1 Completed",
      "beta-3-1 Failed",
      "beta-3-1 Failed",
      "beta-1-2 Completed",
    ],
  },
};

for (const { name, open, skip = false } of doors) {
  test(`a day of an operator through ${name} reads as through any other door`, { skip }, async () => {
    await using manager = await startManager();
    await using door = open(manager);
    assert.deepEqual(await operate(door), expected);
  });
}
