/**
 * Envoy 1.40 with `mcp_router`, one worker. Two backends, because with one it neither prefixes nor rewrites; both are the same
 * upstream. It speaks the legacy era only: modern requests take a plain pass through its HTTP router.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type Contestant, type Era, Missing, smallCall, type Work } from "../rig/contestant.ts";
import { cache } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { start, waitForPort } from "../rig/process.ts";

export type EnvoyMode = "router" | "pass";

const binary = `${cache}/venv/bin/envoy`;

/** The servers behind its `mcp_router`: prefixes and paths. */
type Backends = Readonly<Record<string, string>>;

export interface EnvoyOptions {
  readonly upstreamPort: number;
  readonly era: Era;
  readonly mode: EnvoyMode;
  readonly core: number;
  /** Default: a small call. */
  readonly work?: Work;
  /** Default: two at the work's path. */
  readonly backends?: Backends;
}

export function envoy(options: EnvoyOptions): Contestant {
  const { upstreamPort, era, mode, core, work = smallCall } = options;
  const backends = options.backends ?? { one: work.path, two: work.path };
  const [first = ""] = Object.keys(backends);
  const name = mode === "router" ? "Envoy mcp_router" : "Envoy pass-through";
  return {
    name,
    async start() {
      if (!existsSync(binary)) throw new Missing("envoy is not installed (scripts/bench.mjs does that)");
      const port = await freePort();
      const file = `${cache}/envoy-${port}.json`;
      writeFileSync(file, JSON.stringify(config({ port, upstreamPort, mode, backends }), null, 2));
      const program = start({
        command: binary,
        args: ["-c", file, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warn"],
        core,
      });
      await waitForPort(program, port);
      return {
        target: {
          name,
          url: `http://127.0.0.1:${port}${mode === "router" ? "/mcp" : work.path}`,
          era,
          work,
          tool: mode === "router" ? `${first}__${work.tool}` : work.tool,
        },
        pid: program.pid,
        async stop() {
          await program.stop();
          rmSync(file, { force: true });
        },
      };
    },
  };
}

interface ConfigOptions {
  readonly port: number;
  readonly upstreamPort: number;
  readonly mode: EnvoyMode;
  readonly backends: Backends;
}

function config({ port, upstreamPort, mode, backends }: ConfigOptions): object {
  const type = (name: string): { "@type": string } => ({ "@type": `type.googleapis.com/${name}` });
  const upstream = {
    name: "upstream",
    connect_timeout: "5s",
    type: "STATIC",
    load_assignment: {
      cluster_name: "upstream",
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: upstreamPort } } } },
          ],
        },
      ],
    },
  };
  const router = {
    name: "envoy.filters.http.router",
    typed_config: type("envoy.extensions.filters.http.router.v3.Router"),
  };
  const servers = Object.entries(backends).map(([name, path]) => ({
    name,
    mcp_cluster: { cluster: "upstream", path, timeout: "30s" },
  }));
  const mcp = [
    { name: "envoy.filters.http.mcp", typed_config: type("envoy.extensions.filters.http.mcp.v3.Mcp") },
    {
      name: "envoy.filters.http.mcp_router",
      typed_config: {
        ...type("envoy.extensions.filters.http.mcp_router.v3.McpRouter"),
        servers,
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
                          routes: [{ match: { prefix: "/" }, route: { cluster: "upstream" } }],
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
      clusters: [upstream],
    },
  };
}
