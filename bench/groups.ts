/** All groups, in the order in which they are measured. Each is in a file of its own under `groups/`. */
import { bridgeLegacy, bridgeModern } from "./groups/bridge.ts";
import { deployment } from "./groups/deployment.ts";
import { doorCalls, doorLists } from "./groups/doors.ts";
import { events } from "./groups/events.ts";
import type { Group } from "./groups/group.ts";
import { guard } from "./groups/guard.ts";
import { hung } from "./groups/hung.ts";
import { httpLegacy, httpModern } from "./groups/http.ts";
import { largeGroups } from "./groups/large.ts";
import { list } from "./groups/list.ts";
import { manyCalls, manyStart } from "./groups/many.ts";
import { memory } from "./groups/memory.ts";
import { pool } from "./groups/pool.ts";
import { stdioLegacy, stdioModern } from "./groups/stdio.ts";

export const groups: readonly Group[] = [
  httpLegacy,
  httpModern,
  stdioLegacy,
  stdioModern,
  bridgeLegacy,
  bridgeModern,
  ...largeGroups,
  list,
  memory,
  manyStart,
  manyCalls,
  hung,
  guard,
  pool,
  deployment,
  events,
  doorLists,
  doorCalls,
];

/** The group of this name, or the family that shares it: `large` is all whose names begin with `large-`. */
export function groupsNamed(name: string): readonly Group[] {
  return groups.filter((group) => group.name === name || group.name.startsWith(`${name}-`));
}
