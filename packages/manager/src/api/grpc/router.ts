/** The services of the door and how each is answered. Which there are is decided here, and what every call has in common. */
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { callerGate, type CallersOptions } from "./caller.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "./gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { MCPManager } from "./gen/mcpmanager/v1/service_pb.ts";
import { healthService, type HealthOptions } from "./health.ts";
import { reflector } from "./reflection.ts";
import { managerService, type ServiceOptions } from "./service.ts";

export interface RouterOptions extends ServiceOptions, HealthOptions, CallersOptions {
  readonly audit: CallersOptions["audit"];
}

/** Longest request, in bytes, as gRPC clients have it for answers. */
const readMaxBytes = 4 * 1_024 * 1_024;

/** The handlers by path: `/mcpmanager.v1.MCPManager/GetServer`. */
export function createHandlers(options: RouterOptions): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({
    // Other protocols are for browsers, which have REST.
    grpcWeb: false,
    connect: false,
    readMaxBytes,
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: callerGate(options),
  });
  const reflect = reflector([MCPManager, Health, ServerReflection, ServerReflectionAlpha]);
  router.service(MCPManager, managerService(options));
  router.service(Health, healthService(options));
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield { originalRequest: request, messageResponse: reflect(request) };
    },
  });
  router.service(ServerReflectionAlpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield { originalRequest: request, messageResponse: reflect(request) };
    },
  });
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}
