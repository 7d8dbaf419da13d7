/**
 * The composition. With the files of `composition/`, one for each line of the picture, the only place that names implementations. Builds
 * the rooms in the order in which they need each other, puts each on the stack that ends them in reverse, and lets traffic in last. It
 * decides nothing.
 *
 *   state: store ─ registry ─ keys ─┬─ data plane: table ─ catalog ─ sessions ─ endpoint
 *                                   ├─ control: runtimes ─ agent ─ controller
 *                                   └─ doors: operations ─ REST, gRPC ─ listeners
 */
import { type Admission, admitConfigured } from "./api/configured.ts";
import { ServerWrites } from "./api/operations/server-writes.ts";
import type { AdminKey } from "./security/admin-key.ts";
import { openControl } from "./composition/control.ts";
import { openDataPlane } from "./composition/data-plane.ts";
import { openDoors } from "./composition/doors.ts";
import type { ManagerOptions } from "./composition/options.ts";
import { openState } from "./composition/state.ts";

/** A manager that takes traffic. Disposing of it lets calls in flight end, then ends everything. */
export interface RunningManager extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where it listens for gRPC: `grpc://127.0.0.1:9090`, with TLS `grpcs://…`; absent where it does not. */
  readonly grpcUrl?: string;
  readonly adminKey: AdminKey;
  /** What became of the configured servers. */
  readonly admissions: readonly Admission[];
  /** Cuts the ending short: what is in flight is given up. */
  hurry(): void;
}

/** Builds and starts a manager. Rejects with ManagerError when it cannot run; nothing is left then. */
export async function createManager(options: ManagerOptions): Promise<RunningManager> {
  await using scope = new AsyncDisposableStack();
  const state = await openState(options, scope);
  const plane = openDataPlane(options, state, scope);
  const control = await openControl(options, state, plane, scope);
  const writes = new ServerWrites(state.registry);
  const admissions = await admitConfigured(state.registry, writes, options.servers);
  const doors = await openDoors(options, { state, plane, control, writes }, scope);
  const owned = scope.move();
  return {
    url: doors.url,
    ...(doors.grpcUrl === undefined ? {} : { grpcUrl: doors.grpcUrl }),
    adminKey: state.adminKey,
    admissions,
    hurry: doors.hurry,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
