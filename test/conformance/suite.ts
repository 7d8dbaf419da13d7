/**
 * One run of the official conformance suite, and what it says in few lines. The suite judges; this only starts it, gives it a
 * directory for its results, which is removed, and finds the messages of the checks that it did not expect to fail.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

/** A revision whose required scenarios are run. */
export type Requirements = "2025-11-25" | "2026-07-28";

export interface SuiteRun {
  /** How many scenarios were run, whether they count or not. */
  readonly scenarios: number;
  /**
   * What is wrong, a line each: a check that failed or warned without being listed as expected, or a listed one that passes. Empty
   * when the suite is content.
   */
  readonly complaints: readonly string[];
}

const program = fileURLToPath(
  new URL("../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);

/** Scenarios that no revision requires yet, or any more, and that are held to all the same. */
const heldToo: readonly string[] = [
  "server-session-lifecycle",
  "server-sse-polling",
  "json-schema-2020-12",
  "http-header-validation",
  "http-custom-header-server-validation",
];

/** All that a revision requires of a server, against the one at this URL. */
export function judgeServer(url: string, requirements: Requirements, expected: string): Promise<SuiteRun> {
  const list = fileURLToPath(new URL(`./expected/${expected}.yaml`, import.meta.url));
  const args = ["server", "--url", url, "--requirements", requirements, "--expected-failures", list];
  return runSuite(args, {}, (output, checks) => [
    ...complaintsOfBaseline(output, checks),
    ...heldToo.flatMap((scenario) => badChecks(checks, scenario)),
  ]);
}

/** One scenario for a client, which the suite starts with this command and environment. */
export function judgeClient(
  command: string,
  scenario: string,
  requirements: Requirements,
  env: Readonly<Record<string, string>>,
): Promise<SuiteRun> {
  const args = ["client", "--command", command, "--scenario", scenario, "--spec-version", requirements];
  return runSuite(args, env, (_output, checks) => [...checks.keys()].flatMap((name) => badChecks(checks, name)));
}

type Checks = ReadonlyMap<string, readonly Check[]>;

async function runSuite(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  complain: (output: string, checks: Checks) => string[],
): Promise<SuiteRun> {
  const results = await mkdtemp(join(tmpdir(), "mcp-conformance-"));
  try {
    const child = spawn(process.execPath, [program, ...args, "--output-dir", results], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const checks = await readChecks(results);
    const complaints = complain(stripVTControlCharacters(output), checks);
    const status = await ended;
    const client = /\nStderr:\n([^]*?)\n\n/.exec(errors)?.[1];
    if (client !== undefined) complaints.push(`the client says: ${client}`);
    if (status !== 0 && complaints.length === 0)
      complaints.push(`the suite ended with status ${status}: ${errors.slice(-500)}`);
    return { scenarios: checks.size, complaints };
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly description: string;
  readonly errorMessage?: string;
}

/** The checks by scenario; the suite writes each scenario into a directory of its name and the time. */
async function readChecks(results: string): Promise<Checks> {
  const files = (await readdir(results, { recursive: true })).filter((path) => path.endsWith("checks.json"));
  const read = files.map(async (path) => {
    const scenario = path.replace(/-\d{4}-\d\d-\d\dT[^/]*\/checks\.json$/, "").replace(/^server-/, "");
    return [scenario, JSON.parse(await readFile(join(results, path), "utf8")) as Check[]] as const;
  });
  return new Map(await Promise.all(read));
}

/** The suite's verdict on a list: entries under two headings, a scenario or `scenario:check` each. */
function complaintsOfBaseline(output: string, checks: Checks): string[] {
  const complaints: string[] = [];
  let heading = "";
  for (const line of output.split("\n")) {
    if (/^\S.*:$/.test(line)) heading = line;
    const entry = /^ {2}[✗✓] (\S+)$/.exec(line)?.[1];
    if (entry === undefined) continue;
    const [scenario = "", id] = entry.split(":");
    if (heading.startsWith("Stale")) complaints.push(`${entry}: passes now: take it off the list of expected failures`);
    if (heading.startsWith("Unexpected")) complaints.push(...badChecks(checks, scenario, id));
  }
  return complaints;
}

/** What failed or warned in a scenario, or of one check of it. */
function badChecks(checks: Checks, scenario: string, id?: string): string[] {
  return (checks.get(scenario) ?? [])
    .filter((check) => ["FAILURE", "WARNING"].includes(check.status) && (id === undefined || check.id === id))
    .map((check) => `${scenario}:${check.id}: ${check.errorMessage ?? check.description}`);
}

/** Fails with every complaint on a line of its own, or when fewer scenarios than these were run. */
export function assertContent(run: SuiteRun, scenarios: number): void {
  if (run.complaints.length > 0) assert.fail(`\n  ${run.complaints.join("\n  ")}\n`);
  assert.ok(run.scenarios >= scenarios, `only ${run.scenarios} of ${scenarios} scenarios were run`);
}
