/** `up`: runs the manager in this process. The one place where the command line touches the daemon. */
import type { Command } from "../command.ts";

export const upCommand: Command = {
  words: ["up"],
  summary: "Run the manager here until it is told to stop",
  isLocal: true,
  options: {
    config: {
      type: "string",
      value: "FILE",
      summary: "Our YAML, or any client's mcpServers JSON (MCP_MANAGER_CONFIG)",
    },
    data: {
      type: "string",
      value: "DIR",
      summary: "Where its state and keys are kept (MCP_MANAGER_DATA). Default: ./data",
    },
    host: { type: "string", value: "ADDRESS", summary: "What to listen on (MCP_MANAGER_HOST). Default: 127.0.0.1" },
    port: { type: "string", value: "N", summary: "HTTP port, 0 for a free one (MCP_MANAGER_PORT). Default: 8080" },
    "grpc-port": {
      type: "string",
      value: "N",
      summary: "gRPC port, 0 for a free one, or off (MCP_MANAGER_GRPC_PORT). Default: 9090",
    },
    "exit-with-parent": {
      type: "boolean",
      summary:
        "Stop, as after Ctrl-C, when stdin ends: whoever holds a pipe there leaves no manager behind when killed",
    },
    explain: { type: "boolean", summary: "Print every setting with its value and where that is from; start nothing" },
  },
  notes: ["What listens is said by the line with `ready`; the log goes to stderr. Ctrl-C lets calls in flight end."],
  examples: [
    "mcp-manager up --config servers.yaml",
    "mcp-manager up --config ~/.cursor/mcp.json --data /var/lib/mcp-manager --port 9000",
    "mcp-manager up --config servers.yaml --explain",
  ],
  async run({ io, option, flag }) {
    // Loaded only here: no other command needs the daemon, and a client's machine may not have it.
    const { explainManager, runManager } = await import("@mcp-manager/manager");
    const flags = {
      config: option("config"),
      data: option("data"),
      host: option("host"),
      port: option("port"),
      grpcPort: option("grpc-port"),
    };
    const options = { flags, env: io.env, cwd: io.cwd, stdout: io.stdout, stderr: io.stderr };
    const stopped = flag("exit-with-parent") ? io.stdinEnded() : undefined;
    if (!flag("explain")) return runManager({ ...options, stopped });
    io.stdout.write(explainManager(options));
    return 0;
  },
};
