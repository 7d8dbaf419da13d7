/**
 * Who calls: found from the metadata before a message is read, by the authenticator that HTTP has, and kept with the call. Health needs
 * no credential; everything else does. Whoever is known is let in as long as there is room, which others know. It decides who somebody
 * is, never what they may do.
 */
import type { ContextValues, HandlerContext } from "@connectrpc/connect";
import { createContextKey } from "@connectrpc/connect";
import type { ManagerError, Principal } from "@mcp-manager/api";
import type { Authenticator } from "../../security/authenticator.ts";
import type { Audit } from "../../telemetry/audit.ts";
import { noCredential } from "../request.ts";
import { toRpcError } from "./errors.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { MCPManager } from "./gen/mcpmanager/v1/service_pb.ts";

export interface CallersOptions {
  readonly authenticator: Authenticator;
  /** Hears of who was turned away. */
  readonly audit: Pick<Audit, "record">;
  /** Why there is no room for a call of the manager's service now; undefined when there is. `lasts`: it goes on until it is heard enough. */
  refuseCall(principal: Principal, lasts: boolean): ManagerError | undefined;
}

/** Methods whose answers go on. */
const lasting: readonly string[] = ["WatchEvents", "WatchServers", "ReadLogs"];

/** Address of the peer. */
export const peerKey: ReturnType<typeof createContextKey<string | undefined>> = createContextKey<string | undefined>(
  undefined,
);

const principalKey = createContextKey<Principal | undefined>(undefined);

/** Finds the caller of each call; throws UNAUTHENTICATED in the words that REST has, and UNAVAILABLE while there is no room. */
export function callerGate({ authenticator, audit, ...room }: CallersOptions): (context: HandlerContext) => void {
  return (context) => {
    if (context.service.typeName === Health.typeName) return;
    const header = context.requestHeader.get("authorization") ?? undefined;
    if (header === undefined) throw toRpcError(noCredential());
    const who = authenticator.authenticate(header);
    if (who.kind === "principal") {
      context.values.set(principalKey, who.principal);
      if (context.service.typeName !== MCPManager.typeName) return;
      const refusal = room.refuseCall(who.principal, lasting.includes(context.method.name));
      if (refusal !== undefined) throw toRpcError(refusal);
      return;
    }
    const address = context.values.get(peerKey);
    audit.record({
      action: "grpc",
      target: `${context.service.typeName}/${context.method.name}`,
      outcome: "denied",
      reason: who.reason,
      ...(address === undefined ? {} : { address }),
    });
    throw toRpcError(noCredential(who.message));
  };
}

/** The caller that the gate found. Throws UNAUTHENTICATED where it found none. */
export function callerOf(values: ContextValues): {
  readonly principal: Principal;
  readonly address: string | undefined;
} {
  const principal = values.get(principalKey);
  if (principal === undefined) throw toRpcError(noCredential());
  return { principal, address: values.get(peerKey) };
}
