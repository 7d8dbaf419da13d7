/**
 * supergateway, stdio to Streamable HTTP with sessions. It starts the server once per session, and without `--stateful` once per
 * request, so that this is its better side. Modern calls get a process each whatever the flags: it takes part with legacy calls only.
 */
import type { Contestant } from "../rig/contestant.ts";
import { bench } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { start, waitForPort } from "../rig/process.ts";
import { stdioServer } from "../rig/upstream.ts";

export function supergateway(core: number): Contestant {
  const name = "supergateway";
  return {
    name,
    async start() {
      const port = await freePort();
      const program = start({
        command: process.execPath,
        args: [
          `${bench}/node_modules/supergateway/dist/index.js`,
          ...["--stdio", stdioServer("legacy").join(" "), "--outputTransport", "streamableHttp", "--stateful"],
          ...["--port", String(port), "--logLevel", "none"],
        ],
        core,
      });
      await waitForPort(program, port);
      return {
        target: { name, url: `http://127.0.0.1:${port}/mcp`, era: "legacy", tool: "echo" },
        pid: program.pid,
        stop: () => program.stop(),
      };
    },
  };
}
