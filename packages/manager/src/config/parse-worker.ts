/** The thread that a long configuration is read in: one reading, then it ends. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../base/invariant.ts";
import { ManagerError } from "@mcp-manager/api";
import type { ErrorCode, FieldError } from "@mcp-manager/api";
import type { Config, LoadOptions } from "./load.ts";
import { loadConfig } from "./load.ts";

/** What it is given. */
export interface ParseTask extends Omit<LoadOptions, "readFile"> {
  readonly text: string;
}

/** What it answers, once. */
export type ParseAnswer =
  | { readonly kind: "read"; readonly config: ParsedConfig }
  | {
      readonly kind: "wrong";
      readonly code: ErrorCode;
      readonly message: string;
      readonly reason: string;
      readonly fields: readonly FieldError[];
    };

/** A configuration that was read again: what is of the start alone is left out. */
export type ParsedConfig = Pick<Config, "settings" | "servers" | "notes" | "isEmpty">;

function answer({ text, ...options }: ParseTask): ParseAnswer {
  try {
    const { settings, servers, notes, isEmpty } = loadConfig({ ...options, readFile: () => text });
    return { kind: "read", config: { settings, servers, notes, isEmpty } };
  } catch (error) {
    const { code, message, reason, fields } = ManagerError.from(error);
    return { kind: "wrong", code, message, reason, fields };
  }
}

invariant(parentPort !== null, "parse-worker.ts runs as a worker thread");
const port = parentPort;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parse-thread.ts gives nothing else
port.postMessage(answer(workerData as ParseTask));
