/** The smallest true relay (relay/relay.ts), by the upstream connection it uses. */
import type { Contestant, Era } from "../rig/contestant.ts";
import { bench } from "../rig/paths.ts";
import { start, waitForLine } from "../rig/process.ts";

export function relay(
  upstreamPort: number,
  era: Era,
  via: "net" | "undici",
  core: number,
  nodeOptions?: string,
): Contestant {
  const name = `relay (${via})`;
  return {
    name,
    async start() {
      const upstream = `http://127.0.0.1:${upstreamPort}/mcp`;
      const program = start({
        command: process.execPath,
        args: ["--conditions=mcp-manager-source", `${bench}/relay/relay.ts`, upstream, era, "bench-key", via],
        core,
        ...(nodeOptions === undefined ? {} : { env: { NODE_OPTIONS: nodeOptions } }),
      });
      const match = await waitForLine(program, /listening (\d+)/);
      return {
        target: {
          name,
          url: `http://127.0.0.1:${match[1]}/mcp`,
          era,
          tool: "one__echo",
          authorization: "Bearer bench-key",
        },
        pid: program.pid,
        stop: () => program.stop(),
      };
    },
  };
}
