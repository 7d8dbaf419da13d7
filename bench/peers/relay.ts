/** The smallest true relay (relay/relay.ts), by the upstream connection it uses. */
import type { Contestant, Era } from "../rig/contestant.ts";
import { bench } from "../rig/paths.ts";
import { start, waitForLine } from "../rig/process.ts";

export function relay(upstreamPort: number, era: Era, via: "net" | "undici", core: number, variant = ""): Contestant {
  const name = `relay (${via}${variant === "" ? "" : ` ${variant}`})`;
  return {
    name,
    async start() {
      const program = start({
        command: process.execPath,
        args: [
          "--conditions=source",
          ...(process.env["BENCH_NODE_FLAGS"]?.split(" ") ?? []),
          `${bench}/relay/relay.ts`,
          `http://127.0.0.1:${upstreamPort}/mcp`,
          era,
          "bench-key",
          via,
        ],
        core,
        env: { RELAY_VARIANT: variant },
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
        children: false,
        stop: () => program.stop(),
      };
    },
  };
}
