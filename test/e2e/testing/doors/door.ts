/** What the same scenario needs of any door of the manager, in the words of none of them. */
import type { Deployment, Event, Server } from "@mcp-manager/api";

/** What was heard so far. */
export interface Watching {
  readonly seen: readonly Event[];
}

/** A way of managing: over REST, gRPC, the command line or Python. */
export interface ManagingDoor extends AsyncDisposable {
  readonly name: string;
  /** Registers or changes a server; the name of the deployment that begins. */
  deploy(server: string, spec: object): Promise<string | undefined>;
  /** Names, in the order of the answer. */
  list(): Promise<readonly string[]>;
  get(server: string): Promise<Server>;
  deployment(name: string): Promise<Deployment>;
  /** The text of a tool's answer. */
  call(server: string, tool: string): Promise<string>;
  /** To a revision, or to the stable one; the name of the deployment that brings it, or that it undoes. */
  rollback(server: string, to?: string): Promise<string>;
  /** The code of the error of asking for a server. */
  codeOfMissing(server: string): Promise<string>;
  /** Hears events of these topics from now on, when it resolves; `seen` grows. */
  watch(topics: readonly string[]): Promise<Watching>;
}
