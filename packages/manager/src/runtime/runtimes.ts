/** The runtimes that are built in, one for each kind of source. It starts nothing by itself. */
import type { ProcessRuntimeOptions } from "./process.ts";
import { createProcessRuntime } from "./process.ts";
import { createRemoteRuntime } from "./remote.ts";
import type { Runtimes } from "./runtime.ts";

/** The runtime of each kind; one that is missing does not compile. */
export function createRuntimes(options: ProcessRuntimeOptions): Runtimes {
  return { process: createProcessRuntime(options), remote: createRemoteRuntime() };
}
