/** mcp-proxy, stdio to Streamable HTTP with sessions; one process serves all of them, and both eras. Without its store of past events. */
import type { Contestant, Era } from "../rig/contestant.ts";
import { bench } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { start, waitForPort } from "../rig/process.ts";
import { stdioServer } from "../rig/upstream.ts";

export function mcpProxy(era: Era, core: number): Contestant {
  const name = "mcp-proxy";
  return {
    name,
    async start() {
      const port = await freePort();
      const program = start({
        command: process.execPath,
        args: [
          `${bench}/node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs`,
          ...["--host", "127.0.0.1", "--port", String(port), "--server", "stream", "--no-eventStore"],
          ...["--", ...stdioServer("legacy")],
        ],
        core,
      });
      await waitForPort(program, port);
      return {
        target: { name, url: `http://127.0.0.1:${port}/mcp`, era, tool: "echo" },
        pid: program.pid,
        stop: () => program.stop(),
      };
    },
  };
}
