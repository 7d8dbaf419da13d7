/**
 * The runtime of servers that run elsewhere: there is nothing to start and nothing to end, only a place to reach. Opens no connection;
 * that is the transport's, and whether anybody answers there is found out by it.
 */
import type { RemoteSource } from "@mcp-manager/api";
import type { Exit, Running, Runtime } from "./runtime.ts";

/** Makes the runtime. */
export function createRemoteRuntime(): Runtime<RemoteSource> {
  return {
    start: ({ source }) => Promise.resolve(runningAt(source)),
    sweep: () => Promise.resolve(0),
  };
}

function runningAt({ url, headers }: RemoteSource): Running {
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  const end = (): void => resolve({ code: undefined, signal: undefined });
  return {
    channel: { kind: "http", url, headers },
    pid: undefined,
    isolation: { level: "remote" },
    memory: undefined,
    exited,
    kill: end,
    stop() {
      end();
      return exited;
    },
  };
}
