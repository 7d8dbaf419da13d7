/** One asked operation and its answer, free of any door: what every implementation takes and gives. */
import type { ParameterValue, Permission, Principal, StreamItem } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Authorizer, LogLine } from "./ports.ts";

export interface OperationRequest {
  readonly principal: Principal;
  /** Path parameters, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** Query parameters, checked. */
  readonly query: ReadonlyMap<string, ParameterValue>;
  /** The parsed body, unchecked; undefined when there was none. */
  readonly body: unknown;
  /** The revision that the caller read (`If-Match`): `*` means any. */
  readonly ifMatch?: string;
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal;
}

/** What an operation answers; doors write it out. */
export type OperationReply =
  | {
      readonly kind: "json";
      readonly status: number;
      readonly body: unknown;
      readonly revision?: string;
      /** Name of the Deployment that was begun. */
      readonly deployment?: string;
    }
  /** JSON that is passed on as it came. */
  | { readonly kind: "raw"; readonly status: number; readonly bytes: Buffer }
  | { readonly kind: "lines"; readonly lines: AsyncIterable<LogLine>; readonly named: boolean }
  /** What happens, until the caller has gone. */
  | { readonly kind: "stream"; readonly items: AsyncIterable<StreamItem> };

/** Does one operation. Rejects with a ManagerError for what the caller has to hear. */
export type Implementation = (request: OperationRequest) => Promise<OperationReply>;

/** A path parameter. */
export function pathValue(request: OperationRequest, name: string): string {
  return request.path[name] ?? "";
}

/** A query parameter of type boolean; false when it is not there. */
export function flag(request: OperationRequest, name: string): boolean {
  return request.query.get(name) === true;
}

/** A query parameter of type integer. */
export function integer(request: OperationRequest, name: string, fallback: number): number {
  const value = request.query.get(name);
  return typeof value === "number" ? value : fallback;
}

/** A query parameter of type string. */
export function text(request: OperationRequest, name: string): string | undefined {
  const value = request.query.get(name);
  return typeof value === "string" ? value : undefined;
}

/** Throws `permission_denied`, saying what was wanted and which roles hold it. */
export function demand(authorizer: Authorizer, principal: Principal, permission: Permission, what: string): void {
  if (authorizer.allows(principal, permission)) return;
  const roles = principal.roles.length === 0 ? "no role" : `role ${principal.roles.join(", ")}`;
  throw new ManagerError("permission_denied", `${principal.name} (${roles}) may not ${what}: that needs ${permission}`);
}

/** The failure of asking without a credential that is good; `refusal` says what was wrong with the one that was sent. */
export function noCredential(refusal?: string): ManagerError {
  return new ManagerError("unauthenticated", refusal ?? "a credential is needed: send Authorization: Bearer <key>");
}

/** The failure of naming something that is not there. */
export function notFound(noun: string, name: string): ManagerError {
  const shown = name.slice(0, 64);
  const server = noun === "server" ? { server: shown } : {};
  return new ManagerError("not_found", `${noun} "${shown}" does not exist`, server);
}
