/**
 * Who calls: found from the metadata before a message is read, by the authenticator that HTTP has, and kept with the call. Health needs
 * no credential; everything else does. It decides who somebody is, never what they may do.
 */
import type { ContextValues, HandlerContext } from "@connectrpc/connect";
import { createContextKey } from "@connectrpc/connect";
import type { Principal } from "@mcp-manager/api";
import type { Authenticator } from "../../security/authenticator.ts";
import type { Audit } from "../../telemetry/audit.ts";
import { noCredential } from "../request.ts";
import { toRpcError } from "./errors.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";

export interface CallersOptions {
  readonly authenticator: Authenticator;
  /** Hears of who was turned away. */
  readonly audit: Pick<Audit, "record">;
}

/** Address of the peer. */
export const peerKey: ReturnType<typeof createContextKey<string | undefined>> = createContextKey<string | undefined>(
  undefined,
);

const principalKey = createContextKey<Principal | undefined>(undefined);

/** Finds the caller of each call; throws UNAUTHENTICATED in the words that REST has. */
export function callerGate({ authenticator, audit }: CallersOptions): (context: HandlerContext) => void {
  return (context) => {
    if (context.service.typeName === Health.typeName) return;
    const header = context.requestHeader.get("authorization") ?? undefined;
    if (header === undefined) throw toRpcError(noCredential());
    const who = authenticator.authenticate(header);
    if (who.kind === "principal") return void context.values.set(principalKey, who.principal);
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
