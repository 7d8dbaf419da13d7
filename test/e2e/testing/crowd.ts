/** The server of crowd-server.ts as tests start it: over HTTP in a process of its own, on stdio as a source for the manager. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./crowd-server.ts", import.meta.url));

/** One that listens; it ends when it is disposed of. */
export interface Crowd extends AsyncDisposable {
  readonly url: string;
}

/** Starts one over HTTP that answers its calls when there are `size` of them. */
export async function startCrowd(era: "legacy" | "modern", size = 1): Promise<Crowd> {
  const args = [program, era, "http", String(size)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "close");
  const lines = createInterface({ input: child.stdout });
  const [url] = (await Promise.race([once(lines, "line"), exited])) as [unknown];
  if (typeof url !== "string") throw new Error("the server ended before it listened");
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}

/** The source of one on stdio. A tag makes its processes easy to find. */
export function crowdProcess(era: "legacy" | "modern", size = 1, ...tag: readonly string[]): object {
  return { kind: "process", command: process.execPath, args: [program, era, "stdio", String(size), ...tag] };
}
