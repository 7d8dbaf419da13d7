/**
 * Tasks on their way through the gateway: the id that a server made goes out sealed, a client's request about its task goes to where the
 * task is, and the answer comes back under the id that the client knows. Holds no tasks; they are their servers'.
 * Sources: as of `protocol/tasks.ts`; reliability.md §1.2 and D5.
 */
import type { Watched } from "../../base/watched.ts";
import type { Era } from "../../protocol/era.ts";
import { checkName } from "../../protocol/headers.ts";
import { splice } from "../../protocol/splice.ts";
import { isFinal, type NamedTask, takesTask, taskMade, taskNamed } from "../../protocol/tasks.ts";
import type { ReadyReplica } from "../../upstream/upstream-set.ts";
import type { Call } from "../calls/call.ts";
import type { OpenWork } from "../calls/open-work.ts";
import type { Destination } from "../calls/upstream-leg.ts";
import { hasLeft } from "../routing/revision-of.ts";
import type { MayCall, Routed } from "../routing/route.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import type { TaskIds, TaskOfCall, TaskPlace } from "./task-ids.ts";

export interface TasksOptions {
  readonly ids: TaskIds;
  /** Hears what begins and ends. */
  readonly open: OpenWork;
  readonly table: Watched<RoutingTable>;
  readonly mayCall: MayCall;
}

/** Where a request about a task goes; `expired`: it was there once. */
export type TaskRouted =
  | Extract<Routed, { readonly kind: "destination" | "mismatch" | "unknown" }>
  | { kind: "expired" };

export class Tasks {
  readonly #options: TasksOptions;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** For a method about one task: the revision, and the replica, that has it. Another's task is as unknown as one that never was. */
  route(call: Call): TaskRouted {
    const { envelope, era, principal } = call;
    const text = envelope.text("taskId");
    if (text === undefined) return { kind: "unknown", message: "params.taskId must be a string" };
    const mismatch = era === "modern" ? checkName(call.headers, text) : undefined;
    if (mismatch !== undefined) return { kind: "mismatch", ...mismatch };
    const place = this.#options.ids.open(principal.hash, text);
    if (place === "expired") return { kind: "expired" };
    return place === undefined ? unknown(text) : this.#toPlace(call, text, place);
  }

  /**
   * A server's whole response as its client is to see it: a task under its sealed id, or under the one that the request named. The very
   * same buffer when it names none.
   */
  shown(response: Buffer, { envelope, era, principal }: Call, destination: Destination, replica: ReadyReplica): Buffer {
    const { method } = envelope;
    const { route, name, task: known } = destination;
    if (known !== undefined) return this.#renamed(response, method, era, known);
    if (!takesTask(envelope, era) || replica.connection.facts.era !== era) return response;
    const made = taskMade(response, era);
    if (made === undefined) return response;
    const place = {
      server: route.name,
      uid: route.uid,
      revision: replica.revision,
      replica: replica.name,
      tool: name ?? "",
      id: made.id,
    };
    const id = this.#options.ids.seal(principal.hash, place);
    if (!isFinal(made.status)) this.#options.open.began(place, made.ttlMs);
    // Under an id that is too long the task cannot be asked for, whoever asks.
    return withId(response, made, id ?? "");
  }

  #toPlace(call: Call, text: string, place: TaskPlace): TaskRouted {
    const { table, mayCall } = this.#options;
    const { view, bound, principal, envelope } = call;
    const route = table.current.servers.get(place.server);
    const isHere = view.kind === "aggregate" || view.server === place.server;
    const isElsewhere = bound?.server === place.server && bound.revision !== place.revision;
    if (route === undefined || !isHere || isElsewhere) return unknown(text);
    if (!mayCall(principal, place.server, place.tool))
      return { ...unknown(text), denied: `servers/${place.server}/tools/${place.tool}` };
    if (route.uid !== place.uid || hasLeft(route, place.revision)) return { kind: "expired" };
    const own = Buffer.from(JSON.stringify(place.id));
    return {
      kind: "destination",
      destination: {
        route,
        name: place.id,
        edits: [{ start: envelope.start("taskId"), end: envelope.end("taskId"), bytes: own }],
        paramHeaders: undefined,
        revision: place.revision,
        replica: place.replica,
        task: { shown: text, place },
      },
    };
  }

  #renamed(response: Buffer, method: string, era: Era, { shown, place }: TaskOfCall): Buffer {
    const { open } = this.#options;
    const named = taskNamed(response, method, era);
    const isOver = method === "tasks/result" || isFinal(named?.status);
    // Of the older era: the client asks for the result next.
    if (isOver && era === "legacy" && method !== "tasks/result") open.began(place, fetchMs);
    else if (isOver) open.ended(place);
    // It may have begun before this manager did.
    else if (named?.status !== undefined) open.goesOn(place, named.ttlMs);
    return named === undefined ? response : withId(response, named, shown);
  }
}

function withId(response: Buffer, { at }: NamedTask, id: string): Buffer {
  return splice(response, [{ start: at.start, end: at.end, bytes: Buffer.from(JSON.stringify(id)) }]);
}

function unknown(text: string): { readonly kind: "unknown"; readonly message: string } {
  return { kind: "unknown", message: `Unknown task: ${text.slice(0, textMax)}` };
}

/** So long is waited for a client of the older era to fetch the result of a task that it knows to be over. */
const fetchMs = 30_000;
/** So much of a made-up id is shown back. */
const textMax = 64;
