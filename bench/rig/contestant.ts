/** What the bench measures: a program between the load and an upstream, or nothing (the direct call). */

export type Era = "legacy" | "modern";

/** What the load asks for. */
export interface Work {
  /** Where the upstream serves it. */
  readonly path: string;
  readonly method: "tools/call" | "tools/list";
  /** The tool that is called, under its server's own name; also by the first call, which shows that the way is open. */
  readonly tool: string;
  /** An answer with fewer bytes is wrong. */
  readonly answerBytesMin: number;
}

export const smallCall: Work = { path: "/mcp", method: "tools/call", tool: "echo", answerBytesMin: 0 };

/** Other ways to the same tool: REST, gRPC, and gRPC with arguments and result as JSON bytes instead of protobuf's own JSON types. */
export type DoorKind = "rest" | "grpc" | "grpc-raw";

export interface Door {
  readonly kind: DoorKind;
  /** Where it listens. */
  readonly url: string;
  /** Whose tool is called, under its own name. */
  readonly server: string;
}

/** How the load reaches a contestant. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly era: Era;
  /** What is asked for; a small call when it is not said. */
  readonly work?: Work;
  /** The tool as the contestant calls it. */
  readonly tool: string;
  /** More such tools, called in turn with it. */
  readonly otherTools?: readonly string[];
  readonly authorization?: string;
  /** The load goes through it, and not through MCP; `url` is the MCP endpoint with the same tool. */
  readonly door?: Door;
  /** What is started and called over its stdin and stdout instead: the direct call of a stdio server. */
  readonly command?: readonly string[];
}

export interface RunningContestant {
  readonly target: Target;
  /** The process that is measured; undefined for the direct call. What it starts is counted apart. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  /** For the table's notes. */
  readonly remark?: string;
  start(): Promise<RunningContestant>;
}

/** A contestant that cannot take part on this machine; its row is left out and the reason printed. */
export class Missing extends Error {}
