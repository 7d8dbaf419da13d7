/** How one deployment is shown to people: where it is, why, how it fares, and what can be done. The live view draws the same. */
import type { AnalysisResult, Deployment, DeploymentStatus, Strategy, VariantResult } from "@mcp-manager/api";
import type { Cell, Colour, Printer } from "../output.ts";
import { adviceFor } from "./deployment-advice.ts";
import { percent, phaseCell, phaseText, replicasText, stepOf, strategyText, wayText } from "./deployment-text.ts";
import { age } from "./describe.ts";
import { printSchemaChanges, schemaDiffCell } from "./schema-diff-view.ts";

/** Changes in what clients see that are shown; `server diff` shows all. */
const changesShown = 20;

type Step = NonNullable<DeploymentStatus["step"]>;
type Row = readonly [string, Cell | string];

/** Everything about a deployment, as it is at `nowMs`. */
export function printDeployment(print: Printer, deployment: Deployment, nowMs: number): void {
  printPlace(print, deployment, nowMs);
  printDifference(print, deployment);
}

/** The same without the difference, unless that is what it waits for: what is looked at again and again. */
export function printLive(print: Printer, deployment: Deployment, nowMs: number): void {
  const { reason } = deployment.status;
  printPlace(print, deployment, nowMs);
  if (reason === "SchemaBreaking" || reason === "SchemaSemantic") printDifference(print, deployment);
}

/** What can be done stands above what may be long, which a low window cuts. */
function printPlace(print: Printer, deployment: Deployment, nowMs: number): void {
  const { status } = deployment;
  print.fields([...placeRows(deployment, nowMs), ...progressRows(deployment, nowMs)]);
  printAdvice(print, deployment);
  printAnalysis(print, status.analysis ?? []);
  printVariants(print, status.variants ?? []);
}

function placeRows(deployment: Deployment, nowMs: number): readonly Row[] {
  const { metadata, spec, status } = deployment;
  const { text, colour } = phaseCell(deployment);
  const time = status.since === undefined ? "" : ` for ${age(status.since, nowMs)}`;
  return [
    ["Deployment", { text: metadata.name, colour: "bold" }],
    ["Server", `${spec.server}: ${wayText(deployment)}`],
    ["Strategy", strategyText(deployment)],
    ["Phase", cell(`${text}${time}: ${phaseText(deployment)}`, colour)],
    // Where nothing stands in the way, the phase says it all.
    ...(status.message === undefined || status.reason === undefined
      ? []
      : [["Why", cell(status.message, colour)] as const]),
  ];
}

function progressRows(deployment: Deployment, nowMs: number): readonly Row[] {
  const { spec, status } = deployment;
  const { schemaDiff } = status;
  const step = stepOf(deployment);
  return [
    ...(step === undefined ? [] : [["Step", stepText(spec.strategy, step, nowMs)] as const]),
    ...(spec.from === null ? [] : [["Traffic", trafficText(deployment)] as const]),
    ["Replicas", replicasText(deployment)],
    ...acceptedRow(deployment),
    ...(schemaDiff === undefined ? [] : [["Difference", schemaDiffCell(schemaDiff)] as const]),
  ];
}

/** Who said that what differs may pass: `what breaks clients, by key:ops`. */
function acceptedRow({ spec, status: { progress } }: Deployment): readonly Row[] {
  const what = progress?.accepted ?? (spec.acceptBreaking === true ? "breaking" : undefined);
  if (what === undefined) return [];
  const by = progress?.acceptedBy ?? spec.acceptedBy;
  const words = what === "breaking" ? "what breaks clients" : "what reads otherwise";
  return [["Accepted", by === undefined ? words : `${words}, by ${by}`]];
}

/** `2 of 3, 50 % for 8s (at least 1m and 100 requests)`. */
function stepText(strategy: Strategy, step: Step, nowMs: number): string {
  const { pause, minRequests = 0 } = (strategy.kind === "canary" ? strategy.steps[step.index - 1] : undefined) ?? {};
  const least = [...(pause === undefined ? [] : [pause]), ...(minRequests > 0 ? [`${minRequests} requests`] : [])];
  const until = least.length === 0 ? "" : ` (at least ${least.join(" and ")})`;
  return `${step.index} of ${step.of}, ${percent(step.weight)} for ${age(step.since, nowMs)}${until}`;
}

/** `██████░░░░░░░░░░░░░░ 30 % to weather-7; 28.1 % of new sessions, 31 % of requests`. */
function trafficText({ spec: { to }, status: { traffic } }: Deployment): string {
  const { target, newSessions, requests } = traffic;
  const measured = [
    ...(newSessions === undefined ? [] : [`${percent(newSessions)} of new sessions`]),
    ...(requests === undefined ? [] : [`${percent(requests)} of requests`]),
  ];
  const shares = measured.length === 0 ? "" : `; ${measured.join(", ")}`;
  return `${bar(target)} ${percent(target)} to ${to}${shares}`;
}

const barCells = 20;

function bar(value: number): string {
  const full = Math.round((Math.min(100, Math.max(0, value)) / 100) * barCells);
  return "█".repeat(full) + "░".repeat(barCells - full);
}

const resultColours: Readonly<Record<AnalysisResult["result"], Colour>> = {
  successful: "green",
  failed: "red",
  inconclusive: "yellow",
  error: "red",
};

function printAnalysis(print: Printer, results: readonly AnalysisResult[]): void {
  if (results.length === 0) return;
  print.line("");
  print.table({
    head: ["ANALYSIS", "RESULT", "VALUE", "LIMIT", "SAMPLES", "NOTE"],
    rows: results.map((result) => [
      result.name,
      { text: result.result, colour: resultColours[result.result] },
      measureText(result, result.value),
      measureText(result, result.threshold),
      String(result.samples),
      noteText(result),
    ]),
    fit: "wrap",
    empty: "",
  });
}

function noteText({ dryRun, message }: AnalysisResult): string {
  const isDry = dryRun === true ? "without consequence" : undefined;
  return [isDry, message].filter((text) => text !== undefined).join(": ") || "-";
}

/** Shares in percent, what is relative to the stable revision as a multiple, counts as they are. */
function measureText({ name }: AnalysisResult, value: number | undefined): string {
  if (value === undefined) return "-";
  if (name === "crash") return String(value);
  if (name === "latency-p95" || name === "result-size-delta") return `${Math.round(value * 100) / 100} ×`;
  return percent(value * 100);
}

function printVariants(print: Printer, variants: readonly VariantResult[]): void {
  if (variants.length === 0) return;
  print.line("");
  print.table({
    head: ["VARIANT", "REQUESTS", "FAILED", "P95"],
    rows: variants.map(({ revision, requests, errorRate, p95Ms }) => [
      revision,
      String(requests),
      percent(errorRate * 100),
      p95Ms === undefined ? "-" : `${Math.round(p95Ms)} ms`,
    ]),
    empty: "",
  });
}

function printDifference(print: Printer, { spec, status: { schemaDiff } }: Deployment): void {
  if (schemaDiff === undefined || schemaDiff.changes.length === 0) return;
  print.line("");
  printSchemaChanges(print, schemaDiff, changesShown);
  if (schemaDiff.changes.length > changesShown)
    print.line(`  all of them: mcp-manager server diff ${spec.server} ${spec.from ?? ""} ${spec.to}`);
}

/** What can be done now, a command each, aligned; they are not wrapped, so that they can be copied. */
function printAdvice(print: Printer, deployment: Deployment): void {
  const advice = adviceFor(deployment);
  if (advice.length === 0) return;
  const width = Math.max(...advice.map(({ aim }) => aim.length));
  print.line("");
  for (const { aim, command } of advice) print.line(`${print.paint(aim.padEnd(width), "dim")}  ${command}`);
}

function cell(text: string, colour: Colour | undefined): Cell {
  return colour === undefined ? { text } : { text, colour };
}
