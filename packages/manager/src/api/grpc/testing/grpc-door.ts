/**
 * The gRPC door on a real socket, over the operations of the REST door's test, for tests; and a client of this repository's own kind.
 * A credential is the name of a role.
 */
import type { DescService } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, type GrpcTransportOptions, Http2SessionManager } from "@connectrpc/connect-node";
import { isAllowed, type ManagerError, type OperationName, roleNames } from "@mcp-manager/api";
import { systemClock } from "../../../base/clock.ts";
import { WatchedValue } from "../../../base/watched.ts";
import { createPrincipal } from "../../../security/principal.ts";
import type { AuditEntry } from "../../../telemetry/audit.ts";
import type { Operations } from "../../operations.ts";
import { type Door, openDoor } from "../../testing.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { MCPManager } from "../gen/mcpmanager/v1/service_pb.ts";
import { GrpcServer, type GrpcServerOptions } from "../server.ts";

export interface GrpcDoor extends AsyncDisposable {
  /** The REST door over the same operations. */
  readonly rest: Door;
  readonly server: GrpcServer;
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  readonly readiness: WatchedValue<string | undefined>;
  readonly audited: AuditEntry[];
  readonly failures: ManagerError[];
  /** A client with the role's credential (default `admin`; `none` sends none). Closed with the door. */
  client(role?: string): Client<typeof MCPManager>;
  /** The same for any service. */
  clientOf<Service extends DescService>(service: Service, role?: string): Client<Service>;
}

/** What a test has otherwise. */
export interface GrpcDoorOptions extends Partial<
  Pick<GrpcServerOptions, "port" | "tls" | "connections" | "refuseCall" | "vouching">
> {
  /** Takes the place of an operation. */
  readonly operations?: Partial<Operations>;
  /** Of the client, under TLS. */
  readonly nodeOptions?: GrpcTransportOptions["nodeOptions"];
}

/** Opens the door, on a free port unless one is given. */
export async function openGrpcDoor(options: GrpcDoorOptions = {}): Promise<GrpcDoor> {
  await using scope = new AsyncDisposableStack();
  const rest = scope.use(await openDoor());
  const readiness = new WatchedValue<string | undefined>(undefined);
  const audited: AuditEntry[] = [];
  const failures: ManagerError[] = [];
  const server = new GrpcServer({
    host: "127.0.0.1",
    port: options.port ?? 0,
    tls: options.tls ?? { cert: "", key: "", clientCa: "" },
    connections: options.connections ?? {
      max: 100,
      enter: () => true,
      stalledMs: 60_000,
      clock: systemClock,
    },
    operations: { ...rest.operations, ...options.operations },
    authorizer: { allows: isAllowed },
    authenticator: {
      authenticate(header) {
        const role = header?.replace(/^Bearer /, "") ?? "";
        return roleNames.some((name) => name === role)
          ? { kind: "principal", principal: createPrincipal(`key:${role}`, [role], "api-key") }
          : { kind: "failure", reason: "unknown", message: "the key is not known" };
      },
    },
    audit: { record: (entry) => void audited.push(entry) },
    ...(options.vouching === undefined ? {} : { vouching: options.vouching }),
    refuseCall: options.refuseCall ?? (() => undefined),
    onFailure: (_name: OperationName, error) => void failures.push(error),
    readiness,
  });
  const url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${await server.listen()}`;
  scope.defer(() => server.close(AbortSignal.abort()));
  const sessions = new Http2SessionManager(url, undefined, options.nodeOptions);
  scope.defer(() => sessions.abort());
  const clientOf = <Service extends DescService>(service: Service, role = "admin"): Client<Service> =>
    createClient(service, transportTo(url, sessions, role));
  const owned = scope.move();
  return {
    rest,
    server,
    url,
    readiness,
    audited,
    failures,
    client: (role) => clientOf(MCPManager, role),
    clientOf,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function transportTo(baseUrl: string, sessionManager: Http2SessionManager, role: string): Transport {
  return createGrpcTransport({
    baseUrl,
    sessionManager,
    interceptors: [
      (next) => (request) => {
        if (role !== "none") request.header.set("authorization", `Bearer ${role}`);
        return next(request);
      },
    ],
  });
}

/** A failure as the client sees it. */
export interface Refusal {
  readonly code: keyof typeof Code;
  readonly message: string;
  readonly reason: string | undefined;
  readonly facts: Readonly<Record<string, string>>;
  readonly fields: readonly string[];
  /** In whole seconds. */
  readonly retryAfter: number | undefined;
}

/** What a call is refused with; throws when it is not. */
export async function refusalOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<Refusal> {
  try {
    if (Symbol.asyncIterator in call) for await (const _ of call);
    else await call;
  } catch (error) {
    const failure = ConnectError.from(error);
    const [info] = failure.findDetails(ErrorInfoSchema);
    const [request] = failure.findDetails(BadRequestSchema);
    const [retry] = failure.findDetails(RetryInfoSchema);
    return {
      code: Code[failure.code] as keyof typeof Code,
      message: failure.rawMessage,
      reason: info?.reason,
      facts: info?.metadata ?? {},
      fields: request?.fieldViolations.map(({ field }) => field) ?? [],
      retryAfter: retry?.retryDelay === undefined ? undefined : Number(retry.retryDelay.seconds),
    };
  }
  throw new Error("the call went well");
}

/** The first `count` messages of a stream, or all there are. */
export async function take<Item>(items: AsyncIterable<Item>, count: number = Infinity): Promise<readonly Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}
