/** What a server says of itself when a connection to it is opened, in whichever era; read from its own words, never guessed. */
import type { Era } from "./era.ts";
import { resultRange } from "./response.ts";
import type { Implementation } from "./self.ts";

export interface ServerFacts {
  readonly era: Era;
  /** The protocol version in force on the connection. */
  readonly protocolVersion: string;
  /** Self-reported: for people and logs, nothing is decided by it. Both "unknown" when the server did not say. */
  readonly serverInfo: Implementation;
  /** As the server declared them, unknown members included. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/** A value of unknown shape as an object's members; undefined for anything else, arrays included. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** The `result` of a response, decoded; undefined when there is none or it is no object. For small messages of the manager's own. */
export function decodeResult(response: Buffer): Readonly<Record<string, unknown>> | undefined {
  const range = resultRange(response);
  return range === undefined ? undefined : asRecord(JSON.parse(response.toString("utf8", range.start, range.end)));
}

/** `serverInfo` as far as it can be used. */
export function implementationOf(value: unknown): Implementation {
  const { name, version } = asRecord(value) ?? {};
  return {
    name: typeof name === "string" ? name : "unknown",
    version: typeof version === "string" ? version : "unknown",
  };
}
