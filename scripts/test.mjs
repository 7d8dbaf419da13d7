/**
 * `npm test`: every check and suite in one go, or those that are named (`npm test -- unit e2e`). It goes on after a failure, so
 * that one run shows everything, and ends with a table and the sum of all tests. How each is run stands in package.json.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { findNode } from "./set-up/node.mjs";
import { missingPackages } from "./set-up/system.mjs";

/** In the order of their run: what fails fast comes first. `hasTests` ones report counts. */
const suites = [
  { name: "format", script: "check:format" },
  { name: "lint", script: "check:lint" },
  { name: "types", script: "check:types" },
  { name: "tidy", script: "check:tidy", hasTests: true },
  { name: "unused", script: "check:unused" },
  { name: "unit", script: "unit", hasTests: true },
  { name: "fuzz", script: "fuzz", hasTests: true },
  // Before e2e, which goes through its environment too.
  { name: "python", script: "python", hasTests: true },
  { name: "e2e", script: "e2e", hasTests: true },
  { name: "faults", script: "faults", hasTests: true },
  { name: "conformance", script: "conformance", hasTests: true },
];

/** A suite that takes longer is stuck. */
const suiteMaxMs = 15 * 60_000;
const root = fileURLToPath(new URL("..", import.meta.url));

process.exitCode = await main(process.argv.slice(2));

async function main(names) {
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0)
    return refuse(`no suite ${unknown.join(", ")}; there are ${suites.map(({ name }) => name).join(", ")}`);
  const node = findNode(root);
  if (node.problem !== undefined) return refuse(node.problem);
  const outcomes = [];
  for (const suite of suites.filter(({ name }) => names.length === 0 || names.includes(name))) {
    outcomes.push(await runSuite(suite));
  }
  return summarize(outcomes, node.version);
}

function refuse(text) {
  process.stderr.write(`test: ${text}\n`);
  return 2;
}

async function runSuite(suite) {
  print(`\n=== ${suite.name} ${"=".repeat(70 - suite.name.length)}`);
  const missing = missingPackages().filter((need) => need.suites.includes(suite.name));
  if (missing.length > 0) {
    print(`skipped: needs ${missing.map((need) => `${need.command} (${need.package})`).join(", ")}`);
    return { suite, state: "skipped", seconds: 0, passed: 0, failed: 0, skipped: 1 };
  }
  const startedMs = Date.now();
  const { isGood, totals } = await runScript(suite.script);
  const seconds = (Date.now() - startedMs) / 1000;
  const failed = (totals.fail ?? 0) + (totals.cancelled ?? 0);
  const passed = totals.pass ?? 0;
  const skipped = (totals.skipped ?? 0) + (totals.todo ?? 0);
  // A suite without a test has shown nothing; node:test calls that a success.
  const isEmpty = suite.hasTests === true && passed + failed + skipped === 0;
  if (isEmpty) print("it ran no test");
  const isPassed = isGood && failed === 0 && !isEmpty;
  print(`--- ${suite.name} ${isPassed ? "passed" : "FAILED"} in ${seconds.toFixed(1)} s`);
  return {
    suite,
    state: isPassed ? "passed" : "FAILED",
    seconds,
    passed,
    // What failed without a count (a linter, a crash) is one failure, so that the sum never looks better than the exit status.
    failed: isPassed ? 0 : Math.max(failed, 1),
    skipped,
  };
}

/** Runs a script of package.json through npm, which puts the project's Node first; shows what it says and reads its totals. */
function runScript(script) {
  return new Promise((resolve) => {
    const totals = {};
    // A process group of its own, so that a stuck suite ends with all that it started.
    const child = spawn("npm", ["run", "--silent", script], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      detached: process.platform !== "win32",
      shell: process.platform === "win32",
      // Each test file is a process, and half of its time would go into turning the same sources into JavaScript.
      env: { NODE_COMPILE_CACHE: join(root, ".cache", "compiled"), ...process.env },
    });
    const end = (signal) => (process.platform === "win32" ? child.kill(signal) : killGroup(child.pid, signal));
    const stop = (signal) => {
      end(signal);
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
    const timer = setTimeout(() => {
      print(`stopped after ${suiteMaxMs / 60_000} minutes: it is stuck`);
      end("SIGKILL");
    }, suiteMaxMs);
    createInterface({ input: child.stdout }).on("line", (line) => {
      print(line);
      Object.assign(totals, totalsOf(stripVTControlCharacters(line)));
    });
    const finish = (isGood) => {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, stop);
      resolve({ isGood, totals });
    };
    child.once("error", (error) => {
      print(`cannot start npm: ${error.message}`);
      finish(false);
    });
    child.once("close", (code) => finish(code === 0));
  });
}

/** What a line adds to the totals: the closing lines of node:test, as its spec (ℹ) and TAP (#) reporters write them, and pytest's one. */
function totalsOf(line) {
  const total = /^[ℹ#] (pass|fail|cancelled|skipped|todo) (\d+)$/u.exec(line);
  if (total !== null) return { [total[1]]: Number(total[2]) };
  const summary = /^(?:=+ )?((?:\d+ [a-z]+, )*\d+ [a-z]+) in [\d.]+s\b/.exec(line);
  if (summary === null) return {};
  const counts = Object.fromEntries(summary[1].split(", ").map((part) => part.split(" ").toReversed()));
  const sum = (...words) => words.reduce((all, word) => all + Number(counts[word] ?? 0), 0);
  return {
    pass: sum("passed", "xpassed"),
    fail: sum("failed", "error", "errors"),
    skipped: sum("skipped", "xfailed", "deselected"),
  };
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has just ended.
  }
}

/** Prints the table and, alone on the last line, the sum; the exit status. */
function summarize(outcomes, nodeVersion) {
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  print(`\n=== summary (Node ${nodeVersion}, ${sum("seconds").toFixed(0)} s) ===`);
  for (const { suite, state, seconds, passed, failed, skipped } of outcomes) {
    const counts = suite.hasTests ? `${passed} passed, ${failed} failed, ${skipped} skipped` : "";
    print(`${state.padEnd(8)} ${suite.name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s   ${counts}`.trimEnd());
  }
  print("");
  print(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
  return sum("failed") === 0 ? 0 : 1;
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
