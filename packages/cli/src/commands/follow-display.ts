/** How deployments are shown while they are followed: drawn in place where a person watches, a line for each change elsewhere. */
import type { Deployment } from "@mcp-manager/api";
import { isOver } from "@mcp-manager/api";
import type { Invocation } from "../command.ts";
import { canRedraw, LiveArea } from "../live.ts";
import { Printer, printable } from "../output.ts";
import { adviceFor } from "./deployment-advice.ts";
import { phaseCell, summaryText } from "./deployment-text.ts";
import { printLive } from "./deployment-view.ts";
import type { Followed } from "./deployment-wait.ts";

/** Shows what was seen at one look; `isAway` while the manager does not answer. */
export interface FollowDisplay {
  show(followed: readonly Followed[], isAway: boolean): void;
}

/** Who reads it: those who asked for just this, or who wait for a result that comes after it. */
export type Audience = "result" | "bystander";

/** The display that fits where the output goes and the format of it. */
export function displayFor({ io, print }: Invocation, audience: Audience): FollowDisplay {
  if (print.format !== "table" && audience === "result") return new ChangeDisplay(print);
  return print.format === "table" && canRedraw(io) ? new LiveDisplay(io) : new LineDisplay(print, audience);
}

const away = "the manager does not answer; waiting for it";

class LiveDisplay implements FollowDisplay {
  readonly #io: Invocation["io"];
  readonly #area: LiveArea;

  constructor(io: Invocation["io"]) {
    this.#io = io;
    this.#area = new LiveArea(io);
  }

  show(followed: readonly Followed[], isAway: boolean): void {
    let text = "";
    const sink = { write: (more: string) => (text += more) };
    const io = { ...this.#io, columns: this.#io.columns, stdout: sink, stderr: sink };
    const print = new Printer(io, "table");
    const seen = followed.flatMap(({ deployment }) => deployment ?? []);
    const [only] = seen;
    if (only !== undefined && followed.length === 1) printLive(print, only, Date.now());
    else for (const deployment of seen) printOneOfMany(print, deployment);
    if (isAway) print.line(print.paint(away, "yellow"));
    this.#area.draw(text.split("\n").slice(0, -1));
  }
}

function printOneOfMany(print: Printer, deployment: Deployment): void {
  print.line(print.paint(printable(summaryText(deployment)), phaseCell(deployment).colour));
  if (deployment.status.phase !== "Paused") return;
  for (const { aim, command } of adviceFor(deployment)) print.line(`  ${aim}: ${command}`);
}

/** Every change as a line of JSON, for programs. */
class ChangeDisplay implements FollowDisplay {
  readonly #print: Printer;
  readonly #said = new Map<string, string>();

  constructor(print: Printer) {
    this.#print = print;
  }

  show(followed: readonly Followed[]): void {
    for (const { name, deployment } of followed) {
      const text = JSON.stringify(deployment);
      if (deployment === undefined || text === this.#said.get(name)) continue;
      this.#said.set(name, text);
      this.#print.line(`${this.#print.format === "yaml" ? "- " : ""}${text}`);
    }
  }
}

/** Of a first deployment, which has no steps, bystanders hear only of a pause. */
class LineDisplay implements FollowDisplay {
  readonly #print: Printer;
  readonly #audience: Audience;
  readonly #said = new Map<string, string>();
  #wasAway = false;

  constructor(print: Printer, audience: Audience) {
    this.#print = print;
    this.#audience = audience;
  }

  show(followed: readonly Followed[], isAway: boolean): void {
    if (isAway && !this.#wasAway) this.#print.note(away);
    this.#wasAway = isAway;
    for (const { deployment } of followed) if (deployment !== undefined) this.#say(deployment);
  }

  #say(deployment: Deployment): void {
    const { metadata, spec, status } = deployment;
    const isBystander = this.#audience === "bystander";
    if (isBystander && spec.from === null && status.phase !== "Paused") return;
    const text = printable(summaryText(deployment));
    if (text === this.#said.get(metadata.name)) return;
    this.#said.set(metadata.name, text);
    const advice = status.phase === "Paused" || (!isBystander && isOver(status)) ? adviceFor(deployment) : [];
    for (const line of [text, ...advice.map(({ aim, command }) => `  ${aim}: ${command}`)]) {
      if (isBystander) this.#print.note(line);
      else this.#print.line(line);
    }
  }
}
