/**
 * How one revision gives way to the next, as a spec says it. Each strategy is one member of a union; what each does with it is the
 * controller's. Source: resources.md, "Server" and "Deployments, precisely".
 */
import type { Duration } from "./quantity.ts";

/** Replica by replica: the share of traffic follows the share of replicas. */
export interface RollingStrategy {
  readonly kind: "rolling";
  /** Copies that there may be beyond `replicas`. */
  readonly maxSurge: number;
  /** Copies that may be missing. Not both may be 0. */
  readonly maxUnavailable: number;
  /** How long a new copy has to be ready before it counts. */
  readonly minReady: Duration;
}

/** Stops the old before it starts the new, for servers of which there must not be two at once. */
export interface RecreateStrategy {
  readonly kind: "recreate";
}

/** The new one complete beside the old, then all traffic in one step. */
export interface BlueGreenStrategy {
  readonly kind: "blue-green";
  /** False: waits for `promote` with the preview route open. */
  readonly autoPromote: boolean;
  /** The least time between ready and the switch. */
  readonly previewFor: Duration;
  /** How long the old replicas are kept after the switch, for an instant way back. */
  readonly scaleDownDelay: Duration;
}

/** One step of a canary. After the last one comes all traffic. */
export interface CanaryStep {
  /** Percent of principals that are sent to the new revision. */
  readonly weight: number;
  /** The least time at this weight. Absent: until `resume` or `promote`. */
  readonly pause?: Duration;
  /** Requests that the new revision must have answered at this weight. 0: it is not asked for. */
  readonly minRequests: number;
  /** After so long without `minRequests` it pauses with `ExposureNotMet`. Default: ten times `pause`. */
  readonly maxWait?: Duration;
}

/** What can be measured of a revision. `error-rate`: share of calls that failed. `latency-p95`: per tool, as a multiple of the stable one's. */
export type AnalysisName = "error-rate" | "latency-p95" | "crash" | "is-error-delta" | "result-size-delta";

/** One thing that is looked at while a canary runs. */
export interface AnalysisRule {
  readonly name: AnalysisName;
  /** What is too much. Default: what reliability.md §1.2 says of this name. */
  readonly max?: number;
  readonly interval: Duration;
  /** Fewer are inconclusive. */
  readonly minSamples: number;
  /** Failed measurements that are forgiven. */
  readonly failureLimit: number;
  /** Measured and shown, without consequence. */
  readonly dryRun: boolean;
}

/** Some principals at a time, step by step, with a look at how they fare. */
export interface CanaryStrategy {
  readonly kind: "canary";
  /** Weights rise from step to step. */
  readonly steps: readonly CanaryStep[];
  /** Absent: the default rules. Empty: none. */
  readonly analysis?: readonly AnalysisRule[];
}

/** One side of a comparison. */
export interface Variant {
  readonly revision: "current" | "next";
  /** Percent of the principals that match nothing. */
  readonly weight: number;
}

/** Who is sent to `next` whatever the weights. Values are texts in which `*` stands for any text. */
export type Match =
  | { readonly client: string }
  | { readonly principal: Readonly<Record<string, string>> }
  | { readonly header: Readonly<Record<string, string>> };

/** Two revisions side by side, until somebody decides. */
export interface AbStrategy {
  readonly kind: "ab";
  readonly variants: readonly Variant[];
  readonly match: readonly Match[];
}

export type Strategy = RollingStrategy | RecreateStrategy | BlueGreenStrategy | CanaryStrategy | AbStrategy;

export type StrategyKind = Strategy["kind"];

/** A step as a person writes it. */
export type CanaryStepInput = Pick<CanaryStep, "weight"> & Partial<CanaryStep>;
/** A rule as a person writes it. */
export type AnalysisRuleInput = Pick<AnalysisRule, "name"> & Partial<AnalysisRule>;

/** A strategy as a person writes it: every field but `kind` has a default, but for the steps of a canary. */
export type StrategyInput =
  | ({ readonly kind: "rolling" } & Partial<Omit<RollingStrategy, "kind">>)
  | RecreateStrategy
  | ({ readonly kind: "blue-green" } & Partial<Omit<BlueGreenStrategy, "kind">>)
  | {
      readonly kind: "canary";
      readonly steps: readonly CanaryStepInput[];
      readonly analysis?: readonly AnalysisRuleInput[];
    }
  | ({ readonly kind: "ab" } & Partial<Omit<AbStrategy, "kind">>);
