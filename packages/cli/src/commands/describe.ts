/** How states, sources and ages look in tables. Shows no value that may be a secret. */
import type { LastFailure, ServerSource } from "@mcp-manager/api";
import type { Cell, Colour } from "../output.ts";

const stateColours: Readonly<Record<string, Colour>> = {
  ready: "green",
  ok: "green",
  idle: "green",
  closed: "green",
  pending: "yellow",
  starting: "yellow",
  draining: "yellow",
  degraded: "yellow",
  "half-open": "yellow",
  "needs-authorization": "yellow",
  healthy: "green",
  unhealthy: "red",
  open: "red",
  failed: "red",
  unavailable: "red",
  active: "green",
  failing: "red",
  paused: "yellow",
};

/** A state in its colour. */
export function stateCell(state: string): Cell {
  const colour = stateColours[state];
  return colour === undefined ? { text: state } : { text: state, colour };
}

/** Arguments after which the next one names what is run, and which hold no secret themselves. */
const launcherArguments = new Set(["-y", "--yes", "-q", "run", "exec", "dlx", "-m"]);

/** What a server runs or where it is: `npx @acme/weather`, `https://host/mcp`. Later arguments and queries may be secret. */
export function sourceText(source: ServerSource): string {
  if (source.kind === "remote") {
    const url = URL.parse(source.url);
    return url === null ? "remote" : url.origin + url.pathname;
  }
  const index = source.args.findIndex((argument) => !launcherArguments.has(argument));
  const target = source.args[index];
  return target === undefined || target.startsWith("-") ? source.command : `${source.command} ${target}`;
}

/** How long ago, in the two largest units that matter: `3d4h`, `12m`, `8s`. */
export function age(time: string | undefined, nowMs: number): string {
  const ms = time === undefined ? Number.NaN : nowMs - Date.parse(time);
  return spanText(ms);
}

/** How long still, in the same way. */
export function until(time: string, nowMs: number): string {
  return spanText(Date.parse(time) - nowMs);
}

function spanText(ms: number): string {
  if (Number.isNaN(ms)) return "-";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3600) % 24],
    ["m", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ] as const;
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return "0s";
  const shown = units.slice(first, first < 2 ? first + 2 : first + 1);
  return shown
    .filter(([, count], index) => index === 0 || count > 0)
    .map(([unit, count]) => `${count}${unit}`)
    .join("");
}

/** The last failure of a server or of its replica in one line: `initialize, 12s ago: the process exited with status 3`. */
export function failureText(server: string, failure: LastFailure | undefined, nowMs: number): string {
  if (failure === undefined) return "-";
  const { stage, at, message } = failure;
  return `${stage}, ${age(at, nowMs)} ago: ${withoutServer(message, server)}`;
}

/** A message about a server without its name, where the name stands beside it already. */
export function withoutServer(message: string, server: string): string {
  const subject = `server "${server}"`;
  return message.startsWith(subject) ? message.slice(subject.length).replace(/^:? /, "") : message;
}
