/**
 * A process that starts a run and tells its parent which processes belong to it; made to be killed. The leader ends with its input as
 * servers do; the two that it leaves behind do not. Run by `sweep.test.ts` and
 * `boundaries.test.ts`.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { createProcessRuntime } from "../process.ts";

const [dataDir = "", boundary, level, seconds = "600"] = process.argv.slice(2);
const runtime = createProcessRuntime({
  dataDir,
  clock: systemClock,
  random: systemRandom,
  baseEnv: { PATH: "/usr/local/bin:/usr/bin:/bin" },
  boundary: boundary === "cgroup" || boundary === "pid-namespace" ? boundary : "process-group",
});
const running = await runtime.start({
  name: "doomed",
  server: "doomed",
  source: {
    kind: "process",
    command: "sh",
    args: ["-c", `sleep ${seconds} & a=$!; setsid sleep ${seconds} & echo $$ $a $!; cat >/dev/null`],
    env: {},
  },
  limits: { memoryBytes: 1 << 30, processesMax: 64, cpu: undefined },
  sandbox: level === "default" || level === "strict" ? level : "trusted",
  stderr: { write: (line) => process.stderr.write(`${line}\n`) },
});
if (running.channel.kind === "stdio") {
  const [line] = (await once(createInterface(running.channel.stdout), "line")) as [string];
  process.send?.(line.split(" ").map(Number));
}
setInterval(() => undefined, 60_000);
