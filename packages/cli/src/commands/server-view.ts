/** How one server is shown to people, all of it at one look. Values of variables and headers may be secret and are never shown. */
import type { Condition, LastFailure, RecentEvent, Replica, Server } from "@mcp-manager/api";
import type { Cell, Printer } from "../output.ts";
import { printableText } from "../output.ts";
import { age, failureText, sourceText, stateCell } from "./describe.ts";
import { printReplicas } from "./replica-table.ts";
import { breakerCell, isolationText, loadText } from "./server-text.ts";

/** Enough to see why; a restarting server says the same again and again, and `-o json` has all that is kept. */
const stderrLinesShown = 10;
const eventsShown = 10;

type Row = readonly [string, Cell | string];

/** Everything about a server, the last failure with what it wrote to stderr, its replicas, and what happened last. */
export function printServer(print: Printer, server: Server, items: readonly Replica[]): void {
  const failure = server.status.lastFailure;
  print.fields([
    ...presentRows(server, items),
    ...wantedRows(server),
    ...(failure === undefined ? [] : [["Last failure", failureCell(server, failure)] as const]),
  ]);
  printStderr(print, failure);
  if (items.length > 0) {
    print.line("");
    printReplicas(print, items, { withFailures: false, empty: "" });
  }
  printEvents(print, server.status.recentEvents ?? []);
}

/** How it is. */
function presentRows(server: Server, items: readonly Replica[]): readonly Row[] {
  const { metadata, status } = server;
  const breaker = breakerCell(status, Date.now());
  const isolation = isolationText(items);
  return [
    ["Name", metadata.name],
    ["State", stateText(server)],
    ["Replicas", `${status.replicas.ready} of ${status.replicas.desired} ready`],
    ["Revision", status.revision ?? "-"],
    ["Tools", String(status.tools ?? "-")],
    ...(breaker === undefined ? [] : [["Breaker", breaker] as const]),
    ...(status.load === undefined ? [] : [["Load", loadText(status.load)] as const]),
    ...(isolation === undefined ? [] : [["Isolation", isolation] as const]),
    ...status.conditions.filter(isNews).map(({ type, message }) => [`Not ${words(type)}`, message] as const),
  ];
}

/** What was asked for. */
function wantedRows({ metadata, spec: { source } }: Server): readonly Row[] {
  const names = Object.keys(source.kind === "process" ? source.env : source.headers);
  const labels = Object.entries(metadata.labels).map(([name, value]) => `${name}=${value}`);
  return [
    ["Source", `${source.kind}: ${sourceText(source)}`],
    [source.kind === "process" ? "Environment" : "Headers", names.join(", ") || "-"],
    ["Labels", labels.join(", ") || "-"],
    ["Created", `${age(metadata.createdAt, Date.now())} ago (${metadata.createdAt})`],
  ];
}

/** `degraded for 12s: 1 of 2 replicas are ready`; of a failed one the last failure says why. */
function stateText({ status }: Server): Cell {
  const { state, since, conditions, lastFailure } = status;
  const why = conditions.find(({ type }) => type === "Available")?.message;
  const isSaid = state === "ready" || why === undefined || (lastFailure?.message.includes(why) ?? false);
  const time = since === undefined ? "" : ` for ${age(since, Date.now())}`;
  return { ...stateCell(state), text: `${state}${time}${isSaid ? "" : `: ${why}`}` };
}

/** What holds is no news; whether it is available stands beside the state, and who is not healthy beside each replica. */
function isNews({ type, status }: Condition): boolean {
  return status !== "True" && type !== "Available" && type !== "Healthy";
}

/** `FullyEnforced` as people say it. */
function words(type: string): string {
  return type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}

/** Red while it matters: what a server that works again went through is history. */
function failureCell({ metadata, status }: Server, failure: LastFailure): Cell {
  const text = failureText(metadata.name, failure, Date.now());
  return { text, colour: status.state === "ready" ? "dim" : "red" };
}

function printStderr(print: Printer, failure: LastFailure | undefined): void {
  for (const line of (failure?.stderr ?? []).slice(-stderrLinesShown)) print.line(`  | ${printableText(line)}`);
}

/** Newest first. */
function printEvents(print: Printer, events: readonly RecentEvent[]): void {
  if (events.length === 0) return;
  print.line("");
  print.table({
    head: ["AGO", "WHAT", "CHANGE"],
    rows: events
      .slice(0, eventsShown)
      .map(({ at, topic, replica, message, severity }) => [
        age(at, Date.now()),
        replica ?? topic.split(".", 1)[0] ?? topic,
        severity === "warning" ? { text: message, colour: "yellow" } : message,
      ]),
    empty: "",
  });
}
