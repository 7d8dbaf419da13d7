/**
 * The house rules that no linter knows, as tests. They fail on facts, and each message says what to do instead; sizes are only
 * listed. The tables are the rules: a new room, seam or exception is a line here.
 */
import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import type { Source } from "./tidy/sources.ts";
import { parseSources, readFiles } from "./tidy/sources.ts";
import { breachesOfWords, isTestCode } from "./tidy/words.ts";

/** Rooms of the manager and what each may import besides itself, `base` and `@mcp-manager/api`; types count too. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: [],
  store: [],
  telemetry: [],
  runtime: [],
  resilience: [],
  events: ["store", "registry"],
  // Only settings.ts of any room; see below.
  config: [],
  transport: ["protocol"],
  registry: ["store"],
  security: ["registry"],
  upstream: ["protocol", "transport", "resilience", "telemetry", "events"],
  agent: ["runtime", "protocol", "transport", "upstream", "registry", "resilience", "telemetry", "events"],
  gateway: ["protocol", "transport", "registry", "resilience", "upstream", "security", "telemetry", "events"],
  controller: ["store", "registry", "resilience", "telemetry", "events"],
  api: ["registry", "security", "telemetry", "events"],
  // The lines of manager.ts's picture: who names implementations, names any.
  composition: [
    "agent",
    "api",
    "config",
    "controller",
    "events",
    "gateway",
    "protocol",
    "registry",
    "resilience",
    "runtime",
    "security",
    "store",
    "telemetry",
    "transport",
    "upstream",
  ],
};

/** Packages and which others they may import. The command line reaches the daemon in one file. */
const packages: Readonly<Record<string, readonly string[]>> = {
  api: [],
  client: ["api"],
  manager: ["api"],
  cli: ["api", "client"],
};
const daemonInCli = "packages/cli/src/commands/up.ts";

/** Interfaces with several implementations: each runs the contract suite. */
const seams = [
  { room: "runtime", name: "Runtime", contract: "contract.ts" },
  { room: "store", name: "Store", contract: "contract.ts" },
  { room: "transport", name: "Connection", contract: "contract.ts" },
  { room: "security", name: "Authenticator", contract: "authenticator-contract.ts" },
];

/** Files that are started rather than imported. */
const entries = /\/src\/(?:index|main)\.ts$|\.test\.ts$|^test\/faults\/soak\.ts$/;

const files = readFiles();
const skip =
  files === undefined ? "this is no git checkout, so there is no telling which files are the project's" : false;
const sources = parseSources(files ?? []);
const all = [...sources.values()];
const production = all.filter(({ path }) => path.startsWith("packages/") && !isTestCode(path));

test("rooms import what the table allows", { skip }, () => {
  const breaches = all.flatMap((source) => {
    const from = roomOf(source.path);
    if (from === undefined) return [];
    const allowed = rooms[from];
    if (allowed === undefined)
      return `${source.path}: room ${from} has no line in the table of test/tidy.test.ts: add one`;
    // A test loads what its subject loads, so it may name that; and it may borrow another room's test material.
    const reach = isTestCode(source.path) ? closure(allowed, (room) => rooms[room] ?? []) : new Set(allowed);
    return source.imports.flatMap(({ target, line }) => {
      const to = target === undefined ? undefined : roomOf(target);
      if (target === undefined || to === undefined || to === from || to === "base" || reach.has(to)) return [];
      if (from === "config" && basename(target) === "settings.ts") return [];
      if (isTestCode(source.path) && isTestCode(target)) return [];
      const instead = "pass it in as a port that manager.ts connects, or change the table with a decision record";
      return `${source.path}:${line}: ${from} may not import ${to} (${target}): ${instead}`;
    });
  });
  assertNone(breaches);
});

test("packages import in one direction, and only by their names", { skip }, () => {
  const breaches = all.flatMap((source) =>
    source.imports.flatMap(({ specifier, target, line }) => {
      const from = packageOf(source.path);
      if (from === undefined) return [];
      const to = /^@mcp-manager\/([^/]+)/.exec(specifier)?.[1] ?? (target === undefined ? from : packageOf(target));
      const at = `${source.path}:${line}:`;
      if (target !== undefined && to !== from)
        return `${at} ${specifier} leaves the package: import @mcp-manager/<name>`;
      if (from === "api" && specifier.startsWith("node:") && !isTestCode(source.path))
        return `${at} ${specifier}: api runs in browsers too and does no I/O: move this to the manager or the client`;
      if (to === from || (to !== undefined && packages[from]?.includes(to))) return [];
      if (to === "manager" && source.path === daemonInCli) return [];
      return `${at} ${from} may not import ${specifier}: the arrows go api ← client ← cli and api ← manager`;
    }),
  );
  assertNone(breaches);
});

test("what is shipped imports no test material", { skip }, () => {
  const breaches = production.flatMap((source) =>
    source.imports.flatMap(({ target, line }) =>
      target !== undefined && isTestCode(target)
        ? `${source.path}:${line}: ${target} is for tests: move what both need out of it`
        : [],
    ),
  );
  assertNone(breaches);
});

test("no import leads back to where it came from", { skip }, () => {
  const done = new Set<string>();
  const breaches: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0)
      breaches.push(`${[...trail.slice(start), path].join(" → ")}: move what both need to a file of its own`);
    if (start >= 0 || done.has(path)) return;
    for (const target of targetsOf(path)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  assertNone(breaches);
});

test("every file is imported by another, and what is shipped not by tests alone", { skip }, () => {
  const importedBy = (importers: readonly Source[]): ReadonlySet<string> =>
    new Set(importers.flatMap(({ path }) => targetsOf(path).filter((target) => target !== path)));
  const used = importedBy(all);
  const shipped = importedBy(production);
  const breaches = all.flatMap(({ path }) => {
    if (entries.test(path)) return [];
    if (!used.has(path)) return `${path}: nobody imports this file: delete it`;
    const isShipped = isTestCode(path) || !path.startsWith("packages/") || shipped.has(path);
    return isShipped ? [] : `${path}: only tests import this file: use it, delete it, or move it to a folder testing/`;
  });
  assertNone(breaches);
});

test("every implementation of a seam runs the seam's contract suite", { skip }, () => {
  const breaches = seams.flatMap(({ room, name, contract }) => {
    const folder = `packages/manager/src/${room}/`;
    assert.ok(sources.has(folder + contract), `${folder}${contract} is not there: correct the table`);
    const runs = all.filter(({ path }) => path.endsWith(".test.ts") && targetsOf(path).includes(folder + contract));
    const covered = new Set(runs.flatMap(({ path }) => [...closure([path], targetsOf)]));
    return production
      .filter(({ path }) => dirname(path) + "/" === folder)
      .filter(({ text }) =>
        new RegExp(String.raw`\bimplements\b[^{]*\b${name}\b|\): (?:Promise<)?${name}\b`).test(text),
      )
      .flatMap(({ path }) =>
        covered.has(path) ? [] : `${path} makes a ${name}: call the suite of ${contract} from its test`,
      );
  });
  assertNone(breaches);
});

test("words that have a better one are not used", { skip }, () => {
  assertNone(all.flatMap((source) => breachesOfWords(source)));
});

test("every export says what it promises", { skip }, () => {
  const breaches = production.flatMap((source) => {
    const documented = positionsAfterDocs(source);
    return source.program.body.flatMap((node) => {
      if (node.type !== "ExportNamedDeclaration" || node.declaration === null || documented.has(node.start)) return [];
      const [, word = "", name = ""] =
        /^export (?:declare |abstract |async )*(\w+)\*? +(\w+)/.exec(source.text.slice(node.start, node.end)) ?? [];
      // The file's opening paragraph is about what the file is named after; options explain themselves member by member; a
      // schema is the check of the type whose name it has.
      if (speaksFor(source, name) || /(?:Options|Schema)$/.test(name)) return [];
      return `${source.path}:${source.lineAt(node.start)}: ${word} ${name} has no /** comment */: say what it guarantees`;
    });
  });
  assertNone(breaches);
});

test("documents have one top heading, and no file has leftovers", { skip }, () => {
  const breaches = (files ?? []).flatMap(({ path, text }) => {
    const headings = text.replaceAll(/^(`{3,})[^]*?^\1/gm, "").match(/^# /gm)?.length ?? 0;
    const markers = [...text.matchAll(/\b(?:TO[D]O|FIX[M]E)\b/g)];
    const machines = [...text.matchAll(/(?<![\w.-])\/(?:work|root|tmp\/bash_jobs)\/|"resolved": "[a-z]+:/g)];
    const at = (index: number): string => `${path}:${text.slice(0, index).split("\n").length}:`;
    return [
      ...(path.endsWith(".md") && headings !== 1 ? [`${path}: has ${headings} top headings: a document has one`] : []),
      ...(path.endsWith("-lock.json") ? [] : markers).map(
        ({ 0: word, index }) => `${at(index)} ${word}: do it, or open an issue`,
      ),
      ...machines.map(({ 0: word, index }) => `${at(index)} ${word} is of one machine: make it relative`),
    ];
  });
  assertNone(breaches);
});

test("sizes, for the eye", { skip }, (t) => {
  const list = (title: string, sizes: readonly Size[]): void => {
    const sorted = [...sizes].sort((a, b) => b.lines - a.lines);
    t.diagnostic(`${title}: ${sorted.length}, median ${sorted[sorted.length >> 1]?.lines ?? 0} lines; the longest:`);
    for (const { lines, what } of sorted.slice(0, 10)) t.diagnostic(`${String(lines).padStart(5)}  ${what}`);
  };
  list(
    "files",
    production.map(({ path, text }) => ({ lines: text.split("\n").length - 1, what: path })),
  );
  list(
    "test files",
    all
      .filter(({ path }) => isTestCode(path))
      .map(({ path, text }) => ({ lines: text.split("\n").length - 1, what: path })),
  );
  list("functions", production.flatMap(functionsOf));
});

/** Offsets at which something begins that a doc comment stands before. */
function positionsAfterDocs(source: Source): ReadonlySet<number> {
  const docs = source.comments.filter(({ type, value }) => type === "Block" && value.startsWith("*"));
  return new Set(docs.map(({ end }) => end + (/^\s*/.exec(source.text.slice(end))?.[0].length ?? 0)));
}

/** Whether the paragraph that opens a file is about the export of this name: `TimerWheel` in timer-wheel.ts. */
function speaksFor(source: Source, name: string): boolean {
  const words = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();
  const file = basename(source.path, ".ts");
  return (
    source.text.startsWith("/**") && (words === file || words.startsWith(`${file}-`) || words.endsWith(`-${file}`))
  );
}

interface Size {
  readonly lines: number;
  readonly what: string;
}

function functionsOf(source: Source): readonly Size[] {
  const sizes: Size[] = [];
  const add = ({ start, end }: { readonly start: number; readonly end: number }): void => {
    const line = source.lineAt(start);
    sizes.push({ lines: source.lineAt(end) - line + 1, what: `${source.path}:${line}` });
  };
  source.visit({ FunctionDeclaration: add, FunctionExpression: add, ArrowFunctionExpression: add });
  return sizes;
}

function roomOf(path: string): string | undefined {
  return /^packages\/manager\/src\/([^/]+)\//.exec(path)?.[1];
}

function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

function targetsOf(path: string): readonly string[] {
  return (sources.get(path)?.imports ?? []).flatMap(({ target }) => target ?? []);
}

/** What can be reached, the start included. */
function closure(start: readonly string[], next: (item: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set(start);
  for (const item of found) for (const other of next(item)) found.add(other);
  return found;
}

function assertNone(breaches: readonly string[]): void {
  if (breaches.length > 0) assert.fail(`\n${breaches.join("\n")}`);
}
