/** How one server and its replicas are shown to people. Values of variables and headers may be secret and are never shown. */
import type { Condition, LastFailure, Replica, Server } from "@mcp-manager/api";
import type { Cell, Printer } from "../output.ts";
import { printableText } from "../output.ts";
import { age, failureText, sourceText, stateCell } from "./describe.ts";

/** Enough to see why; a restarting server says the same again and again, and `-o json` has all that is kept. */
const stderrLinesShown = 10;

/** Everything about a server, the last failure with what it wrote to stderr, and its replicas. */
export function printServer(print: Printer, server: Server, items: readonly Replica[]): void {
  const { metadata, spec, status } = server;
  const { source } = spec;
  const names = Object.keys(source.kind === "process" ? source.env : source.headers);
  const labels = Object.entries(metadata.labels).map(([name, value]) => `${name}=${value}`);
  const failure = status.lastFailure;
  const rows: readonly (readonly [string, Cell | string])[] = [
    ["Name", metadata.name],
    ["State", stateCell(status.state)],
    ["Replicas", `${status.replicas.ready} of ${status.replicas.desired} ready`],
    ["Revision", status.revision ?? "-"],
    ["Tools", String(status.tools ?? "-")],
    ["Source", `${source.kind}: ${sourceText(source)}`],
    [source.kind === "process" ? "Environment" : "Headers", names.join(", ") || "-"],
    ["Labels", labels.join(", ") || "-"],
    ["Created", `${age(metadata.createdAt, Date.now())} ago (${metadata.createdAt})`],
    ...status.conditions
      .filter((condition) => isNews(condition, server))
      .map(({ type, message }) => [`Not ${words(type)}`, message] as const),
    ...(failure === undefined ? [] : [["Last failure", failureCell(server, failure)] as const]),
  ];
  print.fields(rows);
  printStderr(print, failure);
  if (items.length === 0) return;
  print.line("");
  printReplicas(print, items, { withFailures: false, empty: "" });
}

/** Replicas, a row each; with `withFailures` what went wrong with them last. */
export function printReplicas(
  print: Printer,
  items: readonly Replica[],
  { withFailures, empty }: { readonly withFailures: boolean; readonly empty: string },
): void {
  print.table({
    head: ["REPLICA", "STATE", "PID", "RESTARTS", "UP", ...(withFailures ? ["LAST FAILURE"] : [])],
    rows: items.map(({ metadata, spec, status }) => [
      metadata.name,
      stateCell(status.state),
      String(status.pid ?? "-"),
      String(status.restarts),
      status.state === "ready" ? age(status.startedAt, Date.now()) : "-",
      ...(withFailures ? [failureText(spec.server, status.lastFailure, Date.now())] : []),
    ]),
    fit: "wrap",
    empty,
  });
}

/** What holds is no news, and neither is what the state and the last failure say already. */
function isNews({ status, message }: Condition, server: Server): boolean {
  return status !== "True" && !(server.status.lastFailure?.message.includes(message) ?? false);
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
