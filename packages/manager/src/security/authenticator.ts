/**
 * The seam of the authenticators: from an `Authorization` header to a principal. It is asked on every request, before the body
 * is read, and answers at once; what takes long (fetching keys, say) is done beside it. It decides who somebody is, never what
 * they may do.
 */
import type { Principal } from "./principal.ts";

/** The credential is good. */
export interface Authenticated {
  readonly kind: "principal";
  readonly principal: Principal;
}

/** It is not. `message` says what to do and repeats nothing that was sent. */
export interface AuthFailure {
  readonly kind: "failure";
  /** `unknown` covers a wrong secret and a key that was deleted: nobody learns which. */
  readonly reason: "missing" | "malformed" | "unknown" | "expired";
  readonly message: string;
}

export interface Authenticator {
  /** `header` is the value of `Authorization` as it came. The same text gets the same object until something changes. */
  authenticate(header: string | undefined): Authenticated | AuthFailure;
}
