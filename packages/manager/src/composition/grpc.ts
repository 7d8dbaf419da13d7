/** Composition of the gRPC door: from settings and what HTTP has already to a server that listens, or to none. Decides nothing else. */
import { ManagerError } from "@mcp-manager/api";
import { GrpcServer, type GrpcServerOptions } from "../api/grpc/server.ts";
import type { Door } from "../gateway/door/door.ts";
import type { ManagerOptions } from "./options.ts";

/** A door that listens. */
export interface GrpcDoor {
  /** `grpc://127.0.0.1:9090`, with TLS `grpcs://…` */
  readonly url: string;
  close(expired: AbortSignal): Promise<void>;
}

/** Connections of all doors for one of gRPC, which carries all calls of its client. */
const httpPerGrpc = 4;

type Shared = Omit<GrpcServerOptions, "host" | "port" | "tls" | "connections" | "refuseCall">;

/** Opens it; undefined where it is switched off, or where nobody chose its port and another program has it. */
export async function openGrpc(
  { settings, clock, logger, mayLackGrpc }: Pick<ManagerOptions, "settings" | "clock" | "logger" | "mayLackGrpc">,
  { crowd, gate, timeouts }: Pick<Door, "crowd" | "gate" | "timeouts">,
  shared: Shared,
): Promise<GrpcDoor | undefined> {
  const { host, grpcPort: port, grpcTls: tls } = settings;
  if (port === "off") return undefined;
  const { stalledMs } = timeouts;
  const max = Math.ceil(crowd.max / httpPerGrpc);
  const server = new GrpcServer({
    ...shared,
    host,
    port,
    tls,
    connections: { max, enter: (socket, open) => crowd.enterFew(socket, open), stalledMs, clock },
    refuseCall: (principal, lasts) => gate.refuseCall(principal, lasts),
  });
  try {
    const bound = await server.listen();
    const name = host.includes(":") ? `[${host}]` : host;
    const scheme = tls.cert === "" ? "grpc" : "grpcs";
    return { url: `${scheme}://${name}:${bound}`, close: (expired) => server.close(expired) };
  } catch (error) {
    await server.close(AbortSignal.abort());
    if (mayLackGrpc !== true || ManagerError.from(error).code !== "unavailable") throw error;
    logger.warn("there is no gRPC: say which port it takes, or off", { error });
    return undefined;
  }
}
