/** One request of a client on its way through the gateway: what the endpoint found out about it before it is served. */
import type { Era } from "../../protocol/era.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import type { Principal } from "../../security/principal.ts";
import type { HeaderRecord } from "../../protocol/headers.ts";
import type { OpenedState } from "../asking/opened-state.ts";
import type { Reply } from "../reply.ts";
import type { Session } from "../sessions/session.ts";
import type { Bound, View } from "../view.ts";

export interface Call {
  readonly view: View;
  readonly principal: Principal;
  readonly era: Era;
  readonly envelope: Envelope;
  /** The id token as the client wrote it. */
  readonly id: Buffer;
  /** Legacy calls after `initialize`. */
  readonly session: Session | undefined;
  /** The revision of one server that it names, or that what it goes on with began at; undefined: as its caller is assigned. */
  readonly bound: Bound | undefined;
  /** What the `requestState` of a modern client says that comes again; undefined also for one that says nothing. */
  readonly state?: OpenedState | undefined;
  readonly headers: HeaderRecord;
  /** `Mcp-Param-*` headers as they came, name and value in turn. */
  readonly paramHeaders: readonly string[];
  readonly reply: Reply;
  /** Monotonic time of arrival. */
  readonly startedMs: number;
}
