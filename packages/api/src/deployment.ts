/**
 * The Deployment resource: the record of going from one revision of a server to another. One is under way per server at a time, the
 * newest; the others are over and kept. Its spec never changes; everything about its way is status. Source: resources.md,
 * "Deployments, precisely"; reliability.md §1.2.
 */
import type { Resource } from "./resource.ts";
import type { AnalysisName, Match, Strategy } from "./strategy.ts";

/** From where to where. */
export interface DeploymentSpec {
  /** Name of the Server. */
  readonly server: string;
  /** The stable revision when it began; null for a server's first. */
  readonly from: string | null;
  readonly to: string;
  readonly strategy: Strategy;
  /** Somebody accepted what breaks, before it was seen. */
  readonly acceptBreaking?: boolean;
  /** Name of the principal who did so. */
  readonly acceptedBy?: string;
  /** Set when it goes back to an earlier revision: no gate, no steps, no waiting. */
  readonly rollback?: boolean;
  /** `metadata.generation` of the Server that asked for it. */
  readonly generation: number;
}

/**
 * - `Pending`: it has not begun
 * - `SchemaCheck`: the new revision starts, and what it offers is compared
 * - `TtlClamp`: clients' caches of the old lists run out
 * - `Progressing`: weight or replicas move
 * - `Paused`: it waits for a person
 * - `Promoting`: all traffic goes over
 * - `Draining`: all new traffic is on the new revision, old sessions finish
 * - `Aborting`: all traffic goes back
 * - `Completed`, `Aborted`, `Failed`: it is over
 */
export type DeploymentPhase =
  | "Pending"
  | "SchemaCheck"
  | "TtlClamp"
  | "Progressing"
  | "Paused"
  | "Promoting"
  | "Draining"
  | "Completed"
  | "Aborting"
  | "Aborted"
  | "Failed";

/** Why it is where it is. More may come, none is renamed. */
export type DeploymentReason =
  | "AwaitingPromotion"
  | "PausedByUser"
  | "SchemaBreaking"
  | "SchemaSemantic"
  | "Inconclusive"
  | "ExposureNotMet"
  | "AnalysisFailed"
  | "CrashLoop"
  | "CannotStart"
  | "ProgressDeadline"
  | "ResourceExhausted"
  | "AbortedByUser"
  | "Superseded"
  | "ServerDeleted"
  | "RolledBack"
  /** Replicas of the new revision do not offer the same. */
  | "UnstableLists";

/** Reasons that are somebody's word. */
export const byPeople: ReadonlySet<DeploymentReason> = new Set([
  "AbortedByUser",
  "Superseded",
  "ServerDeleted",
  "RolledBack",
]);

/** How far a difference between two revisions goes, by its worst change. */
export type SchemaClass = "none" | "additive" | "semantic" | "breaking";

/** One difference in what two revisions offer. */
export interface SchemaChange {
  readonly class: Exclude<SchemaClass, "none">;
  /** What it is about: `tool get_forecast`, `prompt plan`, `instructions`. */
  readonly subject: string;
  /** In words: `the input "days" is required now`. */
  readonly message: string;
  /** For texts: the lines that differ, each with `-` or `+` before it. */
  readonly diff?: readonly string[];
}

/** What one revision offers otherwise than another. */
export interface SchemaDiff {
  readonly class: SchemaClass;
  /** The worst first; at most 200. */
  readonly changes: readonly SchemaChange[];
}

/** Where the traffic is, in percent to the new revision. */
export interface DeploymentTraffic {
  /** What is wanted. */
  readonly target: number;
  /** Of the principals and sessions that began since the last change of weight; absent before there were any. */
  readonly newSessions?: number;
  /** Of the requests since then. */
  readonly requests?: number;
}

/** One measurement of a canary. */
export interface AnalysisResult {
  readonly name: AnalysisName;
  readonly result: "successful" | "failed" | "inconclusive" | "error";
  readonly value?: number;
  readonly threshold?: number;
  readonly samples: number;
  readonly dryRun?: boolean;
  /** In words, when it is not successful. */
  readonly message?: string;
}

/** How one variant of an A/B comparison fares. */
export interface VariantResult {
  readonly revision: string;
  readonly requests: number;
  /** Share of the requests that failed, 0 to 1. */
  readonly errorRate: number;
  /** Milliseconds. */
  readonly p95Ms?: number;
}

/** Copies of one revision: how many there should be, and how many of them take calls. */
export interface ReplicaCount {
  readonly desired: number;
  readonly ready: number;
}

export interface DeploymentStatus {
  readonly phase: DeploymentPhase;
  readonly reason?: DeploymentReason;
  /** The reason in words, and what to do. */
  readonly message?: string;
  /** Where it is among the strategy's steps; `index` from 1. Absent before the first. */
  readonly step?: { readonly index: number; readonly of: number; readonly weight: number; readonly since: string };
  readonly traffic: DeploymentTraffic;
  readonly replicas: { readonly from: ReplicaCount; readonly to: ReplicaCount };
  /** Absent until both revisions were seen. */
  readonly schemaDiff?: SchemaDiff;
  readonly analysis?: readonly AnalysisResult[];
  readonly variants?: readonly VariantResult[];
  /** RFC 3339; when it came to this phase. */
  readonly since?: string;
  /** RFC 3339; when it was over. */
  readonly finishedAt?: string;
  /** For the controller's eyes: what it has to know again after a restart. */
  readonly progress?: DeploymentProgress;
}

/** What a deployment remembers of its way. Times are milliseconds that have passed by a monotonic clock, not moments. */
export interface DeploymentProgress {
  /** At the present phase and step. */
  readonly elapsedMs: number;
  /** Since something last moved, of the time that counts for `progressDeadline`. */
  readonly stalledMs: number;
  /** The phase that a pause interrupted. */
  readonly resumeTo?: DeploymentPhase;
  /** Somebody said that what breaks, or reads otherwise, may pass. */
  readonly accepted?: "semantic" | "breaking";
  /** Name of the principal who said so. */
  readonly acceptedBy?: string;
  /** Somebody said: go on at once (this step), or to the end. */
  readonly promoted?: "step" | "full";
  /** Failed measurements so far, and providers' errors in a row, by name of the rule. */
  readonly failures?: Readonly<Record<string, number>>;
  readonly errors?: Readonly<Record<string, number>>;
  /** Since the new revision first took traffic, pauses included: measurements are taken by it. */
  readonly watchedMs?: number;
  /** How long each copy of the new revision has been ready, up to what is asked for, by its name. */
  readonly ready?: Readonly<Record<string, number>>;
  /** How long copies of the new revision have not offered the same; absent while they do. */
  readonly unstableMs?: number;
  /** How often copies of the new revision had failed when it began, and then when it first took traffic. */
  readonly failedBefore?: number;
  /** How long each revision may go on with what began there, by its name. */
  readonly draining?: Readonly<Record<string, number>>;
  /**
   * Of revisions that traffic was taken back from: how long their sessions and calls may still take, where tasks have longer. 0: their
   * time is over. Of one that is let go too, until its copies have been asked to end.
   */
  readonly callsMs?: Readonly<Record<string, number>>;
  /** How long the old replicas are kept for an instant way back. */
  readonly keptMs?: number;
}

export type Deployment = Resource<"Deployment", DeploymentSpec, DeploymentStatus>;

/** Whether nothing more will come of it. */
export function isOver({ phase }: Pick<DeploymentStatus, "phase">): boolean {
  return phase === "Completed" || phase === "Aborted" || phase === "Failed";
}

/**
 * The one that was made last, the only one of a server that may be under way. They are told apart by the store's revisions, which no
 * clock turns back.
 */
export function newestDeployment(deployments: readonly Deployment[]): Deployment | undefined {
  let newest: Deployment | undefined;
  for (const one of deployments) if (newest === undefined || madeAt(one) > madeAt(newest)) newest = one;
  return newest;
}

/** Its spec never changes, so what wrote it last made it. */
function madeAt({ metadata }: Deployment): bigint {
  return BigInt(metadata.revision || 0);
}

/** The status of a Deployment that no controller has looked at yet. */
export const pendingDeploymentStatus: DeploymentStatus = {
  phase: "Pending",
  traffic: { target: 0 },
  replicas: { from: { desired: 0, ready: 0 }, to: { desired: 0, ready: 0 } },
};

/** Name of a deployment to a revision, `weather-7-1`: the first, the second … */
export function deploymentName(revision: string, number: number): string {
  return `${revision}-${number}`;
}

/**
 * Where calls to a server go, by revision: what every instance routes by. Part of the Server's status, written in one transaction with
 * the status of the Deployment that it follows.
 */
export interface Route {
  /** Who nothing below sends elsewhere goes here. */
  readonly stable: string;
  /** A revision that some go to while a deployment is under way. */
  readonly next?: NextRoute;
  /** Revisions that take nothing new; what began there (sessions, tasks, calls that wait for their client) goes on there. */
  readonly draining: readonly string[];
  /** Of `draining`, those whose sessions are over: tasks alone are still asked for there, and calls of before answered. Absent: none. */
  readonly tasksOnly?: readonly string[];
}

/** The revision that traffic may be moving to, and who goes there. */
export interface NextRoute {
  readonly revision: string;
  /** Percent of the principals. 0: by preview and by `match` only. */
  readonly weight: number;
  /** Mixed into the hash that sorts principals, so that it is not always the same ones who go first: the Deployment's uid. */
  readonly salt: string;
  readonly match: readonly Match[];
  /** Whether the two offer different things; then nobody may see both. */
  readonly differs: boolean;
}
