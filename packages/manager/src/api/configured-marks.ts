/**
 * What is remembered of the servers of a configuration file: which text was applied last, which file had it, and which Server it
 * made. By this the Servers that a file made are told from those that others made, also under the same name.
 */
import type { Server } from "@mcp-manager/api";
import type { Marks } from "../registry/marks.ts";
import type { Registry } from "../registry/registry.ts";

/** What is remembered of one server. */
export interface ConfiguredMark {
  /** Stands for the file's text for it that was applied last. */
  readonly digest: string;
  /** Absolute path of that file. */
  readonly file?: string;
  /** `metadata.uid` of the Server, where it was this file that made it. */
  readonly uid?: string;
}

export class ConfiguredMarks {
  readonly #marks: Marks;

  constructor(registry: Registry) {
    this.#marks = registry.marks("configured");
  }

  /** By names of servers. Rejects with ManagerError. */
  async all(): Promise<ReadonlyMap<string, ConfiguredMark>> {
    return new Map([...(await this.#marks.all())].map(([name, text]) => [name, read(text)]));
  }

  /** Rejects with ManagerError. */
  async put(name: string, { digest, file, uid }: ConfiguredMark): Promise<void> {
    await this.#marks.put(name, JSON.stringify({ digest, file, uid }));
  }

  /** Rejects with ManagerError. */
  async delete(name: string): Promise<void> {
    await this.#marks.delete(name);
  }
}

/** Whether the Server is the one that the file made; one of the same name may have been made since. */
export function isMadeBy(mark: ConfiguredMark | undefined, { metadata }: Pick<Server, "metadata">): boolean {
  return mark?.uid === metadata.uid;
}

/** Before there was more to remember, a mark was the digest alone. */
function read(text: string): ConfiguredMark {
  return text.startsWith("{") ? (JSON.parse(text) as ConfiguredMark) : { digest: text };
}
