/** Waiting until something is so, by asking again; bounded by `--wait`. */
import { setTimeout as sleep } from "node:timers/promises";
import { durationMs } from "@mcp-manager/api";
import type { Invocation, Option } from "../command.ts";

/** How long a command waits unless told otherwise. A first start may have to download its package. */
const waitDefault = "90s";
/** The same in milliseconds. */
export const waitDefaultMs: number = durationMs(waitDefault);

/** Pause between two looks, in milliseconds. */
const pauseMs = 250;

/** The option of commands that wait. */
export const waitOption: Readonly<Record<"wait", Option>> = {
  wait: {
    type: "string",
    value: "DURATION",
    summary: `How long to wait for the result, 0s not at all. Default: ${waitDefault}`,
  },
};

/** Seconds of `--wait`. Throws `invalid_argument`. */
export function waitSeconds({ option }: Invocation): number {
  return durationMs(option("wait") ?? waitDefault) / 1000;
}

/** Whether `isSo` came true in time. Rejects when `signal` aborts. */
export async function waitFor(isSo: () => Promise<boolean>, seconds: number, signal: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    if (await isSo()) return true;
    await sleep(pauseMs, undefined, { signal });
  }
  return false;
}
