/** Who is asking, once a credential has been verified. Owns the type and its digest; knows no credentials. */
import { createHash } from "node:crypto";
import { isAllowed, type Principal as NamedPrincipal } from "@mcp-manager/api";

/** How a principal proved who it is. */
export type AuthMethod = "admin-key" | "api-key";

/** A verified caller. Made once per credential and shared by all its requests: compare by `hash`, never change it. */
export interface Principal extends NamedPrincipal {
  readonly authMethod: AuthMethod;
  /** 16 characters that stand for the name in sealed ids and log lines. Stable over restarts and over changes of the roles. */
  readonly hash: string;
  /** Whether it may see and name revisions: which one answered, and one that is not for everybody yet. */
  readonly seesRevisions: boolean;
}

/** A principal with its digest. */
export function createPrincipal(name: string, roles: readonly string[], authMethod: AuthMethod): Principal {
  const hash = createHash("sha256").update(`principal:${name}`).digest("base64url").slice(0, 16);
  return { name, roles, authMethod, hash, seesRevisions: isAllowed({ name, roles }, "servers:read") };
}
