/** What happens, as others may hear of it: a fact with a subject and a time, said once. No delivery, no state. */

/** What an event is about, as `noun.what`: a reader asks for `server.*`. Closed, so that the reference can list them. */
export type EventTopic =
  | "server.state"
  | "server.drift"
  | "deployment.phase"
  | "replica.state"
  | "replica.health"
  | "replica.ejected"
  | "replica.held-off"
  | "breaker.state"
  | "overload.stage"
  | "config.file";

/** One thing that happened. */
export interface ManagerEvent {
  readonly topic: EventTopic;
  /** Name of the server it happened to; undefined: to the instance. */
  readonly server?: string;
  readonly replica?: string;
  /** What changed, in one sentence, without secrets: `ready → failed: the process exited with status 3`. */
  readonly message: string;
  /** Whether somebody should look. */
  readonly severity: "info" | "warning";
  /** Facts for machines: `{from, to}` of a state, a reason. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

/** Takes events. Never throws, never waits. */
export interface EventSink {
  publish(event: ManagerEvent): void;
}
