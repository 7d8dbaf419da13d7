/**
 * Envoy 1.40 with `mcp_router`, one worker. Two backends, because with one it neither prefixes nor rewrites; both are the same
 * upstream. It speaks the legacy era only: modern requests take a plain pass through its HTTP router.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type Contestant, type Era, Missing } from "../rig/contestant.ts";
import { cache } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { start, waitForPort } from "../rig/process.ts";

export type EnvoyMode = "router" | "pass";

const binary = `${cache}/venv/bin/envoy`;

export function envoy(upstreamPort: number, era: Era, mode: EnvoyMode, core: number): Contestant {
  const name = mode === "router" ? "Envoy mcp_router" : "Envoy pass-through";
  return {
    name,
    async start() {
      if (!existsSync(binary)) throw new Missing("envoy is not installed (scripts/bench.mjs does that)");
      const port = await freePort();
      const file = `${cache}/envoy-${port}.json`;
      writeFileSync(file, JSON.stringify(config(port, upstreamPort, mode), null, 2));
      const program = start({
        command: binary,
        args: ["-c", file, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"],
        core,
      });
      await waitForPort(program, port);
      return {
        target: { name, url: `http://127.0.0.1:${port}/mcp`, era, tool: mode === "router" ? "one__echo" : "echo" },
        pid: program.pid,
        async stop() {
          await program.stop();
          rmSync(file, { force: true });
        },
      };
    },
  };
}

function config(port: number, upstreamPort: number, mode: EnvoyMode): object {
  const type = (name: string): { "@type": string } => ({ "@type": `type.googleapis.com/${name}` });
  const cluster = (name: string): object => ({
    name,
    connect_timeout: "5s",
    type: "STATIC",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: upstreamPort } } } },
          ],
        },
      ],
    },
  });
  const router = {
    name: "envoy.filters.http.router",
    typed_config: type("envoy.extensions.filters.http.router.v3.Router"),
  };
  const backend = (name: string): object => ({ name, mcp_cluster: { cluster: name, path: "/mcp", timeout: "30s" } });
  const mcp = [
    { name: "envoy.filters.http.mcp", typed_config: type("envoy.extensions.filters.http.mcp.v3.Mcp") },
    {
      name: "envoy.filters.http.mcp_router",
      typed_config: {
        ...type("envoy.extensions.filters.http.mcp_router.v3.McpRouter"),
        servers: [backend("one"), backend("two")],
      },
    },
  ];
  return {
    static_resources: {
      listeners: [
        {
          name: "mcp",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: {
                    ...type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
                    stat_prefix: "mcp",
                    codec_type: "HTTP1",
                    route_config: {
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [{ match: { prefix: "/" }, route: { cluster: "one" } }],
                        },
                      ],
                    },
                    http_filters: mode === "router" ? mcp : [router],
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [cluster("one"), cluster("two")],
    },
  };
}
