/** One request of a client on its way through the gateway: what the endpoint found out about it before it is served. */
import type { Era } from "../../protocol/era.ts";
import type { Envelope } from "../../protocol/envelope.ts";
import type { Principal } from "../../security/principal.ts";
import type { Reply } from "../reply.ts";
import type { Session } from "../sessions/session.ts";
import type { View } from "../view.ts";

export interface Call {
  readonly view: View;
  readonly principal: Principal;
  readonly era: Era;
  readonly envelope: Envelope;
  /** The id token as the client wrote it. */
  readonly id: Buffer;
  /** Legacy calls after `initialize`. */
  readonly session: Session | undefined;
  /** `Mcp-Param-*` headers as they came, name and value in turn. */
  readonly paramHeaders: readonly string[];
  readonly reply: Reply;
  /** Monotonic time of arrival. */
  readonly startedMs: number;
}
