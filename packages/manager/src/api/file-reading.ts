/** What a configuration file says, as this room takes it: checked by the room that reads it, and not applied yet. */
import type { ServerDraft } from "@mcp-manager/api";

/** A server as the file has it. */
export interface ConfiguredServer {
  readonly draft: ServerDraft;
  /** Stands for the file's text for this server: equal exactly when that did not change. */
  readonly digest: string;
}

/** What the file says. */
export interface FileReading {
  readonly servers: readonly ConfiguredServer[];
  /** Names of settings that it has otherwise than they are in force. */
  readonly restart: readonly string[];
}
