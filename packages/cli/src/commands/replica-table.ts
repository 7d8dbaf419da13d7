/** How replicas are shown to people: a row each, without the columns that say nothing of any of them. */
import type { Replica } from "@mcp-manager/api";
import type { Cell, Printer } from "../output.ts";
import { age, failureText, stateCell, until } from "./describe.ts";

export interface ReplicaTable {
  /** Whether what went wrong with each last is a column. */
  readonly withFailures: boolean;
  readonly empty: string;
}

interface Column {
  readonly head: string;
  cell(replica: Replica): Cell | string;
}

/** Prints `items`; `empty` goes to stderr when there are none. */
export function printReplicas(print: Printer, items: readonly Replica[], { withFailures, empty }: ReplicaTable): void {
  const columns = withFailures ? [...always, ...sometimes, lastFailure] : [...always, ...sometimes, note];
  const shown = columns.filter(
    ({ cell }, index) => index < always.length || items.some((replica) => cell(replica) !== nothing),
  );
  print.table({
    head: shown.map(({ head }) => head),
    rows: items.map((replica) => shown.map(({ cell }) => cell(replica))),
    fit: "wrap",
    empty,
  });
}

/** What a cell shows that has nothing to show. */
const nothing = "-";

const always: readonly Column[] = [
  { head: "REPLICA", cell: ({ metadata }) => metadata.name },
  { head: "STATE", cell: ({ spec, status }) => stateCell(spec.drain === true ? "draining" : status.state) },
];

const sometimes: readonly Column[] = [
  { head: "HEALTH", cell: ({ status }) => (status.health === undefined ? nothing : stateCell(status.health.state)) },
  { head: "PID", cell: ({ status }) => String(status.pid ?? nothing) },
  { head: "UP", cell: ({ status }) => (status.state === "ready" ? age(status.startedAt, Date.now()) : nothing) },
  { head: "RESTARTS", cell: ({ status }) => String(status.restarts) },
  { head: "ERA", cell: ({ status }) => status.era ?? nothing },
  { head: "CALLS", cell: ({ status }) => String(status.load?.inFlight ?? nothing) },
  { head: "POOL", cell: poolText },
];

const note: Column = { head: "NOTE", cell: noteText };

const lastFailure: Column = {
  head: "LAST FAILURE",
  cell: ({ spec, status }) => failureText(spec.server, status.lastFailure, Date.now()),
};

/** `2 used, 1 free, 1 spare, 3 waiting`: the connections that are for one caller alone. */
function poolText({ status }: Replica): string {
  const pool = status.load?.pool;
  if (pool === undefined) return nothing;
  const { inUse, idle, spare, waiting } = pool;
  const counts = [
    [inUse, "used"],
    [idle, "free"],
    [spare, "spare"],
    [waiting, "waiting"],
  ] as const;
  return (
    counts
      .filter(([count]) => count > 0)
      .map(([count, word]) => `${count} ${word}`)
      .join(", ") || nothing
  );
}

/** What is out of the ordinary. */
function noteText({ status }: Replica): string {
  const now = Date.now();
  const { retryAt, crashLoop, health, load, lastFailure: failure } = status;
  const notes = [
    ...(crashLoop === true ? ["crash loop"] : []),
    ...(status.state === "failed" && retryAt !== undefined ? [`tried again in ${until(retryAt, now)}`] : []),
    ...(health?.message === undefined || health.message === failure?.message ? [] : [health.message]),
    ...(load?.ejectedUntil === undefined ? [] : [`put aside for another ${until(load.ejectedUntil, now)}`]),
    ...(load?.heldOffUntil === undefined ? [] : [`left alone for another ${until(load.heldOffUntil, now)}`]),
  ];
  return notes.join("; ") || nothing;
}
