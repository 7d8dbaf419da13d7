/**
 * Retries of modern clients: a call that comes again with what it was asked for. It goes to the revision that asked, whatever its caller
 * is assigned by now, for as long as that revision has a place in its server's route. Reads the state that the call brings; sends nothing.
 * Source: specification 2026-07-28, basic/patterns/mrtr; reliability.md §1.2, D5.
 */
import type { Watched } from "../../base/watched.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import { stateRemoval } from "../../protocol/input-required.ts";
import type { Edit } from "../../protocol/splice.ts";
import { mayAsk } from "../calls/call-lease.ts";
import type { Call } from "../calls/call.ts";
import type { Destination } from "../calls/upstream-leg.ts";
import { hasLeft } from "../routing/revision-of.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import type { RequestState } from "./opened-state.ts";
import type { RequestStates } from "./request-state.ts";

/** What is said of a state that is nobody's, or another's. */
export const stateNotGiven = "params.requestState is not one that was given for this request: call again without it";
/** What is said of one that was good once. */
export const stateExpired = "params.requestState has expired: call again without it";

/** Whether a call brings what it was asked for. */
export function isRetry({ era, envelope }: Pick<Call, "era" | "envelope">): boolean {
  return era === "modern" && envelope.has("requestState") && mayAsk(envelope.method);
}

export interface RetriesOptions {
  readonly states: RequestStates;
  readonly table: Watched<RoutingTable>;
}

export class Retries {
  readonly #options: RetriesOptions;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** A retry with what its state says, bound to the revision that asked. */
  opened(call: Call): Call {
    const { states, table } = this.#options;
    const state = states.open(call);
    if (state === undefined || state === "expired") return { ...call, state };
    const { server, revision } = state;
    const { bound } = call;
    const isElsewhere = bound?.server === server && bound.revision !== revision;
    if (isElsewhere || revision === undefined) return { ...call, state: isElsewhere ? undefined : state };
    const route = table.current.servers.get(server);
    // A call that is parked is with its server still, and may end there.
    const isOver =
      state.kind === "upstream" && route !== undefined && (route.uid !== state.uid || hasLeft(route, revision));
    if (isOver) return { ...call, state: "expired" };
    return { ...call, state, bound: { server, revision } };
  }
}

/** Where a retry goes: to the revision that asked, with its own state in the place of the sealed one. */
export function retryTo(
  destination: Destination,
  { revision, state }: RequestState & { readonly kind: "upstream" },
  envelope: Envelope,
): Destination {
  const edits = [...destination.edits, ...stateEdits(envelope, state)].sort((a, b) => a.start - b.start);
  return { ...destination, edits, revision, isRetry: true };
}

function stateEdits(envelope: Envelope, state: string | undefined): readonly Edit[] {
  if (state === undefined) return stateRemoval(envelope);
  return [{ start: envelope.start("requestState"), end: envelope.end("requestState"), bytes: Buffer.from(state) }];
}
