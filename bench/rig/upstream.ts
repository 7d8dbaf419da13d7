/** The stand-in servers: the HTTP one that all contestants of a group share, the stdio one that each starts, and the calls without any contestant. */
import { type Contestant, type Era, smallCall, type Work } from "./contestant.ts";
import { bench } from "./paths.ts";
import { start, waitForLine } from "./process.ts";

export interface RunningUpstream {
  readonly port: number;
  stop(): Promise<void>;
}

/** What it serves where is said in `upstream/http.ts`. */
export async function startUpstream(era: Era | "both", core: number): Promise<RunningUpstream> {
  const program = start({
    command: `${bench}/node_modules/.bin/bun`,
    args: [`${bench}/upstream/http.ts`, "0", era],
    core,
  });
  const match = await waitForLine(program, /listening (\d+)/);
  return { port: Number(match[1]), stop: () => program.stop() };
}

/** No contestant: the load calls the upstream itself. */
export function direct(upstreamPort: number, era: Era, work: Work = smallCall): Contestant {
  return {
    name: "direct",
    start: async () => ({
      target: { name: "direct", url: `http://127.0.0.1:${upstreamPort}${work.path}`, era, work, tool: work.tool },
      pid: undefined,
      stop: async () => {},
    }),
  };
}

/** How the stdio server is started. */
export function stdioServer(eras: Era | "both"): string[] {
  return [process.execPath, `${bench}/upstream/stdio.ts`, eras];
}

/** No contestant: the load starts the stdio server on `core` and calls it over its pipes. */
export function directPipe(core: number): Contestant {
  const command = ["taskset", "-c", String(core), ...stdioServer("legacy")];
  return {
    name: "direct",
    start: async () => ({
      target: { name: "direct", url: "", era: "legacy", tool: "echo", command },
      pid: undefined,
      stop: async () => {},
    }),
  };
}
