/** What the store's errors mean to those who asked for a resource. It never retries. */
import { ManagerError } from "@mcp-manager/api";
import {
  CompactedError,
  FutureRevisionError,
  LeaseGoneError,
  LimitError,
  NoSpaceError,
  StoreResetError,
  UnavailableError,
  UncertainError,
} from "../store/store.ts";

/** A ManagerError as it is; a StoreError as the ManagerError that callers act upon; anything else as `internal`. */
export function fromStoreError(cause: unknown): ManagerError {
  if (cause instanceof UnavailableError || cause instanceof FutureRevisionError) {
    return new ManagerError("unavailable", `the store is away (${cause.message}); nothing was changed, try again`, {
      reason: "STORE_UNAVAILABLE",
      cause,
    });
  }
  if (cause instanceof UncertainError) {
    const message = `the store did not answer (${cause.message}); the change may have been made: read it before trying again`;
    return new ManagerError("unavailable", message, { reason: "STORE_UNCERTAIN", cause });
  }
  if (cause instanceof NoSpaceError) {
    const message =
      "the store has no space left and takes no changes; free space on its disk, it then goes on by itself";
    return new ManagerError("unavailable", message, { reason: "STORE_FULL", cause });
  }
  if (cause instanceof LimitError) return new ManagerError("invalid_argument", cause.message, { cause });
  if (cause instanceof LeaseGoneError) {
    return new ManagerError("failed_precondition", cause.message, { reason: "LEASE_GONE", cause });
  }
  if (cause instanceof CompactedError || cause instanceof StoreResetError) {
    const message = "the store no longer has the state that was asked for; read again from the start";
    return new ManagerError("failed_precondition", message, { reason: "STORE_MOVED_ON", cause });
  }
  return ManagerError.from(cause);
}
