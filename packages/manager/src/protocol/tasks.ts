/**
 * Tasks on the wire, of both eras: which methods are about one, how a call says that it may become one, and where a response names it.
 * Reads bytes; knows no servers and no rights.
 * Sources: specification 2025-11-25, basic/utilities/tasks; extension `io.modelcontextprotocol/tasks` (SEP-2663).
 */
import type { Envelope } from "./envelope.ts";
import type { Era } from "./era.ts";
import { memberAt, stringAt } from "./json.ts";
import { responseMembers, type Range } from "./response.ts";

/** What modern clients and servers declare who know tasks. */
export const tasksExtension = "io.modelcontextprotocol/tasks";
const relatedKey = "io.modelcontextprotocol/related-task";

const prefix = "tasks/";
const taskMethods: Readonly<Record<Era, readonly string[]>> = {
  legacy: ["tasks/get", "tasks/result", "tasks/cancel"],
  modern: ["tasks/get", "tasks/update", "tasks/cancel"],
};

/** A server may tell of a task, under its own id for it, without being asked; nobody may rely on that. */
export const taskStatusMethod = "notifications/tasks/status";

/** Whether a method's name is one of those that only tasks have. */
export function isOfTasks(method: string): boolean {
  return method.startsWith(prefix);
}

/** Whether a method is about the one task that `params.taskId` names. `tasks/list` is not: it shows everybody's. */
export function isTaskMethod(method: string, era: Era): boolean {
  return isOfTasks(method) && taskMethods[era].includes(method);
}

/** Whether a client takes a task for the answer to this request. */
export function takesTask(envelope: Envelope, era: Era): boolean {
  if (envelope.method !== "tools/call") return false;
  if (era === "legacy") return envelope.has("task");
  // Most say `{}`: that is seen without a view on it.
  const isEmpty = envelope.end("clientCapabilities") - envelope.start("clientCapabilities") <= 2;
  return !isEmpty && envelope.raw("clientCapabilities")?.includes(tasksExtension) === true;
}

/** A task in a response, and where its id stands as written. */
export interface NamedTask {
  readonly id: string;
  readonly at: Range;
  /** `working`, `completed` …; undefined where the response does not say. */
  readonly status: string | undefined;
  /** How long it is kept, in milliseconds; undefined when that is not said, or for ever. */
  readonly ttlMs: number | undefined;
}

/** The task that the response to `tools/call` says was made; undefined when it is a result like any other. */
export function taskMade(response: Buffer, era: Era): NamedTask | undefined {
  const members = responseMembers(response);
  if (members === undefined) return undefined;
  if (era === "legacy") return taskAt(response, memberAt(response, members.result.start, "task")?.start, "ttl");
  return members.text("resultType") === "task" ? taskAt(response, members.result.start, "ttlMs") : undefined;
}

/** The task that the response to one of its methods names; undefined when it names none. */
export function taskNamed(response: Buffer, method: string, era: Era): NamedTask | undefined {
  const members = responseMembers(response);
  if (members === undefined) return undefined;
  if (method !== "tasks/result") return taskAt(response, members.result.start, era === "legacy" ? "ttl" : "ttlMs");
  return taskAt(response, memberAt(response, members.start("_meta"), relatedKey)?.start, "ttl");
}

/** Whether a task of this status comes to no other. */
export function isFinal(status: string | undefined): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

function taskAt(bytes: Buffer, at: number | undefined, ttlKey: "ttl" | "ttlMs"): NamedTask | undefined {
  const id = at === undefined ? undefined : memberAt(bytes, at, "taskId");
  const text = id === undefined ? undefined : stringAt(bytes, id.start, id.end);
  if (at === undefined || id === undefined || text === undefined) return undefined;
  const [status, ttl] = [memberAt(bytes, at, "status"), memberAt(bytes, at, ttlKey)];
  const ttlMs = ttl === undefined ? Number.NaN : Number(bytes.toString("latin1", ttl.start, ttl.end));
  return {
    id: text,
    at: { start: id.start, end: id.end },
    status: status === undefined ? undefined : stringAt(bytes, status.start, status.end),
    ttlMs: Number.isFinite(ttlMs) ? ttlMs : undefined,
  };
}
