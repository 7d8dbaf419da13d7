/**
 * What measurements say of a new revision, rule by rule: a pure function of the figures of both. Three ways of not passing are kept
 * apart: it is worse (failed), nobody can tell yet (inconclusive, never a pass), and whoever measures is away (error).
 * Source: reliability.md §1.2, "Metrics for analysis".
 */
import type { AnalysisName, AnalysisResult, AnalysisRule, Strategy } from "@mcp-manager/api";
import type { RevisionMeasures } from "../../telemetry/revision-measures.ts";

/** What the rules look at. */
export interface Figures {
  readonly measured: RevisionMeasures | undefined;
  readonly baseline: RevisionMeasures | undefined;
  /** How often copies of the new revision failed since it took traffic, and how many there are. */
  readonly crashes: number;
  readonly copies: number;
}

const plain = { interval: "10s", minSamples: 50, failureLimit: 0, dryRun: false } as const;

/** The rules of a canary that names none. */
const defaultRules: readonly AnalysisRule[] = [
  { ...plain, name: "error-rate" },
  { ...plain, name: "latency-p95" },
  { ...plain, name: "crash" },
  { ...plain, name: "is-error-delta" },
  { ...plain, name: "result-size-delta", dryRun: true },
];

/** The rules that hold for a deployment. */
export function rulesOf(strategy: Strategy): readonly AnalysisRule[] {
  return strategy.kind === "canary" ? (strategy.analysis ?? defaultRules) : [];
}

/** What a rule finds. */
export function analyse(rule: AnalysisRule, figures: Figures): AnalysisResult {
  const found = looks[rule.name](rule, figures);
  return { name: rule.name, ...found, ...(rule.dryRun ? { dryRun: true } : {}) };
}

type Finding = Omit<AnalysisResult, "name" | "dryRun">;
type Look = (rule: AnalysisRule, figures: Figures) => Finding;

const looks: Readonly<Record<AnalysisName, Look>> = {
  "error-rate": withTraffic((rule, measured, baseline) => {
    const threshold = rule.max ?? Math.max(0.01, share(baseline.failures, baseline.requests) + 0.01);
    const value = share(measured.failures, measured.requests);
    return judge(
      { value, threshold, samples: measured.requests },
      "failed",
      (figure) => `${percent(figure)} of the calls fail`,
      percent,
    );
  }),
  "latency-p95": withTraffic((rule, measured, baseline) => {
    const compared = slower(rule, measured, baseline);
    const threshold = rule.max ?? 1.5;
    if (compared === undefined) {
      const message = `no tool has ${rule.minSamples} calls on both revisions: there is nothing to compare`;
      return { result: "successful", threshold, samples: 0, message };
    }
    const { value, samples, tool } = compared;
    return judge(
      { value, threshold, samples },
      "failed",
      (figure) => `tool ${tool} takes ${times(figure)} as long`,
      times,
    );
  }),
  crash: (rule, { crashes, copies }) =>
    judge(
      { value: crashes, threshold: rule.max ?? 0, samples: copies },
      "failed",
      (figure) => `copies failed ${figure} times`,
      String,
    ),
  "is-error-delta": withTraffic((rule, measured, baseline) => {
    const value = share(measured.toolErrors, measured.requests) - share(baseline.toolErrors, baseline.requests);
    const samples = measured.requests;
    // A tool's error is an answer: whether more of them are bad is for a person to say.
    return judge(
      { value, threshold: rule.max ?? 0.05, samples },
      "inconclusive",
      (figure) => `${percent(figure)} more of the calls end in a tool's error`,
      percent,
    );
  }),
  "result-size-delta": withTraffic((rule, measured, baseline) => {
    const before = share(baseline.resultBytes, baseline.requests);
    const value = before === 0 ? 1 : share(measured.resultBytes, measured.requests) / before;
    const samples = measured.requests;
    return judge(
      { value, threshold: rule.max ?? 1.5, samples },
      "failed",
      (figure) => `results are ${times(figure)} as long`,
      times,
    );
  }),
};

/** For rules over calls: without figures it is an error, with too few calls it cannot be told. */
function withTraffic(
  look: (rule: AnalysisRule, measured: RevisionMeasures, baseline: RevisionMeasures) => Finding,
): Look {
  return (rule, { measured, baseline }) => {
    if (measured === undefined || baseline === undefined)
      return { result: "error", samples: 0, message: "could not be measured" };
    const { requests } = measured;
    const needed = Math.max(1, rule.minSamples);
    // What is not a number is an error below.
    if (requests < needed)
      return {
        result: "inconclusive",
        samples: requests,
        message: `${requests} of ${needed} calls that ${rule.name} needs came`,
      };
    return look(rule, measured, baseline);
  };
}

/** The tool that became slowest, among those with enough calls on both. */
function slower(
  { minSamples }: AnalysisRule,
  measured: RevisionMeasures,
  baseline: RevisionMeasures,
): { readonly value: number; readonly samples: number; readonly tool: string } | undefined {
  const before = new Map(
    baseline.tools.filter(({ samples }) => samples >= minSamples).map((one) => [one.tool, one.p95Ms]),
  );
  return measured.tools
    .flatMap(({ tool, samples, p95Ms }) => {
      const beforeMs = before.get(tool);
      // Below a millisecond a multiple says nothing.
      return samples < minSamples || beforeMs === undefined
        ? []
        : [{ tool, samples, value: Math.max(1, p95Ms) / Math.max(1, beforeMs) }];
    })
    .reduce<{ value: number; samples: number; tool: string } | undefined>(
      (worst, one) => (worst === undefined || !(one.value <= worst.value) ? one : worst),
      undefined,
    );
}

function judge(
  { value, threshold, samples }: { readonly value: number; readonly threshold: number; readonly samples: number },
  worse: "failed" | "inconclusive",
  words: (value: number) => string,
  format: (value: number) => string,
): Finding {
  if (!Number.isFinite(value) || !Number.isFinite(threshold) || !Number.isSafeInteger(samples))
    return { result: "error", samples: 0, message: "what was measured is not a number" };
  const figures = { value, threshold, samples };
  if (value <= threshold) return { result: "successful", ...figures };
  return { result: worse, ...figures, message: `${words(value)}, ${format(threshold)} are allowed` };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(value: number): string {
  return `${Math.round(value * 1000) / 10} %`;
}

function times(value: number): string {
  return `${Math.round(value * 100) / 100} times`;
}
