/**
 * A process with a runtime and nothing else, so that a test can take from it what the machine gives. For each message, a sandbox level
 * and a script, it starts a shell and answers with what that wrote, or with why it could not be started. Run by `starved.test.ts`.
 */
import { text } from "node:stream/consumers";
import type { SandboxLevel } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { createProcessRuntime } from "../process.ts";

/** What to start. */
export interface Order {
  readonly level: SandboxLevel;
  readonly script: string;
  readonly processesMax: number;
}

/** What came of it. */
export type Report =
  | { readonly kind: "ran"; readonly said: string; readonly stderr: readonly string[] }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

const [dataDir = ""] = process.argv.slice(2);
const baseEnv = { PATH: "/usr/local/bin:/usr/bin:/bin" };
const runtime = createProcessRuntime({ dataDir, clock: systemClock, random: systemRandom, baseEnv });

async function run({ level, script, processesMax }: Order): Promise<Report> {
  const stderr: string[] = [];
  try {
    const running = await runtime.start({
      name: "shell",
      server: "shell",
      source: { kind: "process", command: "sh", args: ["-c", script], env: {} },
      limits: { memoryBytes: 1 << 29, processesMax, cpu: undefined },
      sandbox: level,
      stderr: { write: (line) => void stderr.push(line) },
    });
    const said = running.channel.kind === "stdio" ? await text(running.channel.stdout) : "";
    await running.exited;
    return { kind: "ran", said, stderr };
  } catch (error) {
    const { code, message } = ManagerError.from(error);
    return { kind: "refused", code, message };
  }
}

process.on("message", (order: Order) => void run(order).then((report) => process.send?.(report)));
process.send?.("ready");
