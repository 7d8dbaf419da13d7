/**
 * Keeping an eye on a canary: takes the measurements that are due, counts what speaks against it, and says when that is too much.
 * What a measurement says is analysis.ts's; what follows is the phases'.
 */
import type { AnalysisResult, AnalysisRule, DeploymentStatus } from "@mcp-manager/api";
import { durationMs } from "@mcp-manager/api";
import { analyse, rulesOf } from "./analysis.ts";
import { changed, withProgress } from "./changes.ts";
import { failuresOf, progressOf, type Situation } from "./situation.ts";

/** Errors of whoever measures, in a row, that are enough. */
const errorLimit = 4;

/** The status after so much more time under watch: what was due in it is measured and counted. */
export function watched(situation: Situation, status: DeploymentStatus): DeploymentStatus {
  const rules = rulesOf(situation.deployment.spec.strategy);
  if (rules.length === 0 || situation.passedMs === 0) return status;
  const { watchedMs = 0, failures = {}, errors = {} } = progressOf(status);
  const nowMs = watchedMs + situation.passedMs;
  const passed = withProgress(status, { watchedMs: nowMs });
  const due = rules.filter(({ interval }) => turn(watchedMs, interval) !== turn(nowMs, interval));
  if (due.length === 0) return passed;
  const found = due.map((rule) => look(situation, status, rule));
  const [failed, lost] = [{ ...failures }, { ...errors }];
  for (const { name, result } of found) {
    if (result === "failed") failed[name] = (failed[name] ?? 0) + 1;
    lost[name] = result === "error" ? (lost[name] ?? 0) + 1 : 0;
  }
  const kept = (status.analysis ?? []).filter(({ name }) => !due.some((rule) => rule.name === name));
  const analysis = rules.flatMap(({ name }) => [...found, ...kept].find((one) => one.name === name) ?? []);
  return withProgress(changed(passed, { analysis }), { failures: failed, errors: lost });
}

/** What is too much, in words; undefined while nothing is. */
export function alarmOf({ deployment }: Situation, status: DeploymentStatus): string | undefined {
  const { failures = {}, errors = {} } = progressOf(status);
  for (const { name, failureLimit, dryRun } of rulesOf(deployment.spec.strategy)) {
    if (dryRun) continue;
    const why = status.analysis?.find((one) => one.name === name)?.message;
    if ((failures[name] ?? 0) > failureLimit) return `${name}: ${why ?? "it failed"}`;
    if ((errors[name] ?? 0) >= errorLimit) return `${name} could not be measured ${errorLimit} times in a row`;
  }
  return undefined;
}

/** What every rule finds now, as it is shown. */
export function resultsOf(situation: Situation, status: DeploymentStatus): readonly AnalysisResult[] {
  return rulesOf(situation.deployment.spec.strategy).map((rule) => look(situation, status, rule));
}

/** The same for the end of a step: without failures that are forgiven. */
export function closingResults(situation: Situation, status: DeploymentStatus): readonly AnalysisResult[] {
  const { failures = {} } = progressOf(status);
  return rulesOf(situation.deployment.spec.strategy).flatMap((rule) => {
    const found = look(situation, status, rule);
    const isForgiven = found.result === "failed" && Math.max(1, failures[rule.name] ?? 0) <= rule.failureLimit;
    return isForgiven ? [] : found;
  });
}

/** Time until the next measurement is due; undefined without rules. */
export function nextLookMs({ deployment }: Situation, status: DeploymentStatus): number | undefined {
  const { watchedMs = 0 } = progressOf(status);
  const left = rulesOf(deployment.spec.strategy).map(({ interval }) => {
    const ms = Math.max(1, durationMs(interval));
    return ms - (watchedMs % ms);
  });
  return left.length === 0 ? undefined : Math.min(...left);
}

function look(situation: Situation, status: DeploymentStatus, rule: AnalysisRule): AnalysisResult {
  const { measured, baseline } = situation;
  const crashes = Math.max(0, failuresOf(situation) - (progressOf(status).failedBefore ?? 0));
  return analyse(rule, { measured, baseline, crashes, copies: situation.new.present.length });
}

function turn(ms: number, interval: string): number {
  return Math.floor(ms / Math.max(1, durationMs(interval)));
}
