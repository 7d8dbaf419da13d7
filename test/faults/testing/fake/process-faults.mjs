/** What a server can do to the machine it runs on, by the name that `fault` is told. Each is bounded; what it gives is the answer's text. */
import { spawn } from "node:child_process";
import process from "node:process";

const held = [];

/** A process that does nothing, with the tag in its command line. */
function idle(tag, options) {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", "sleep 600; :", tag], { stdio: "ignore", ...options });
    child.once("error", () => resolve(undefined));
    child.once("spawn", () => resolve(child.pid));
  });
}

export const processFaults = {
  crash: () => process.kill(process.pid, "SIGKILL"),
  exit: ({ code = 0 }) => process.exit(code),
  /** Leaves its session and its process group. */
  async daemon(_args, tag) {
    return idle(tag, { detached: true });
  },
  /** At most `count` processes; gives how many there are. */
  async fork({ count }, tag) {
    let made = 0;
    for (let at = 0; at < Math.min(count, 200); at += 1) if ((await idle(tag, {})) !== undefined) made += 1;
    return made;
  },
  /** Holds so many bytes more, written to so that they are there. */
  async leak({ bytes }) {
    for (let left = bytes; left > 0; left -= 8_388_608) {
      held.push(Buffer.alloc(8_388_608, 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return held.length;
  },
  spin({ ms }) {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
    return ms;
  },
  async stderr({ lines, bytes = 100 }) {
    const line = `${"e".repeat(bytes)}\n`;
    for (let at = 0; at < lines; at += 1)
      if (!process.stderr.write(line)) await new Promise((resolve) => process.stderr.once("drain", resolve));
    return lines;
  },
};
