/**
 * The connection on which the manager itself asks a server something for one caller (a list, a tool called through REST): that of all,
 * or, where the server keeps its callers apart, the caller's own.
 */
import { type ClientProfile, noProfile } from "../../protocol/client-profile.ts";
import type { Connection } from "../../transport/connection.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import { scopeOf } from "./call-lease.ts";
import type { Call } from "./call.ts";

/** For whom. */
export interface Caller extends Pick<Call, "principal" | "session"> {
  /** What its other calls say that it can be asked: they have the same connection. */
  readonly profile: ClientProfile;
}

/** Resolves as `use` does; rejects as it does, or when there is no connection within `waitMs`. */
export async function onCallersConnection<T>(
  { leases, connection }: ReadyReplica,
  caller: Caller,
  waitMs: number,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const scope = leases === undefined ? undefined : scopeOf(caller, leases.sharing);
  if (leases === undefined || scope === undefined) return await use(connection);
  const profile = connection.facts.era === "modern" ? noProfile : caller.profile;
  const lease = await leases.take({ profile, principal: caller.principal.hash, waitMs, scope, isPlain: true });
  let isAnswered = false;
  try {
    const answer = await use(lease.connection);
    isAnswered = true;
    return answer;
  } finally {
    lease.release(isAnswered);
  }
}
