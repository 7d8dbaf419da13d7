/** Words of the language and of names that have a better one here, and where each is allowed all the same. */
import { basename } from "node:path";
import type { Source } from "./sources.ts";

/** Whether a file serves tests only: tests, what they share (`testing/`, `testing.ts`), contract suites, and all of `test/`. */
export function isTestCode(path: string): boolean {
  return /^test\/|\.test\.ts$|\/testing\/|\/testing\.ts$|\/contract\/|[/-]contract\.ts$/.test(path);
}

const clock = "take a Clock (base/clock.ts) as a parameter";
const random = "take a Random (base/random.ts) as a parameter";

/** Members of globals: what to use instead. */
const members: Readonly<Record<string, string>> = {
  "Date.now": clock,
  "performance.now": clock,
  "Math.random": random,
  "process.env": "read the environment in config/ and pass on what was meant",
};

/** Where one of them is the thing itself. */
const homes: Readonly<Record<string, RegExp>> = {
  "process.env": /^packages\/(?:manager\/src\/config\/|cli\/src\/main\.ts$)/,
};

/** Names that are the product's own. */
const productNames = ["RunningManager"];

/** What is wrong with the words of one source, a line each. */
export function breachesOfWords(source: Source): readonly string[] {
  const breaches: string[] = [];
  const say = (start: number, word: string, instead: string): void => {
    breaches.push(`${source.path}:${source.lineAt(start)}: ${word}: ${instead}`);
  };
  const named = (node: { readonly start: number; readonly name: string } | null): void => {
    if (node === null || productNames.includes(node.name)) return;
    if (/.(?:Manager|Helper|Utils|Impl|Base)$/.test(node.name))
      say(node.start, node.name, "name what it is, not that it manages or helps");
  };
  /** The real clock, randomness and environment are for `base/`, `config/` and tests; other packages have no clock to take. */
  const mayBeReal = (word: string): boolean =>
    isTestCode(source.path) ||
    (homes[word] === undefined
      ? !/^packages\/manager\/src\/(?!base\/)/.test(source.path)
      : homes[word].test(source.path));
  const real = (start: number, word: string, instead: string): void => {
    if (!mayBeReal(word)) say(start, word, instead);
  };
  if (/^(?:utils?|helpers?)\.ts$/.test(basename(source.path))) say(0, "file name", "name the concept it holds");
  source.visit({
    TSAnyKeyword: ({ start }) => say(start, "any", "say unknown and narrow it"),
    TSNonNullExpression: ({ end }) => say(end, "non-null !", "narrow it, or throw with base/invariant.ts"),
    TSEnumDeclaration: ({ start }) => say(start, "enum", "use a union of strings"),
    TSModuleDeclaration: ({ start }) => say(start, "namespace", "a file is a module"),
    ExportAllDeclaration: ({ start }) => say(start, "export *", "name what is exported"),
    ExportDefaultDeclaration: ({ start }) => say(start, "default export", "export it by name"),
    ClassDeclaration({ id, superClass, start }) {
      named(id);
      if (superClass?.type === "Identifier" && superClass.name === "EventEmitter")
        say(start, "EventEmitter", "take a typed function, or offer a Watched (base/watched.ts)");
    },
    TSInterfaceDeclaration: ({ id }) => named(id),
    TSTypeAliasDeclaration: ({ id }) => named(id),
    Identifier({ name, start }) {
      if (name === "getInstance") say(start, name, "make it in manager.ts and pass it in");
    },
    MemberExpression({ object, start, end }) {
      if (object.type !== "Identifier") return;
      if (object.name === "console") say(start, "console", "take a Logger, or the Io of the command line");
      const word = source.text.slice(start, end);
      const instead = members[word];
      if (instead !== undefined) real(start, word, instead);
    },
    CallExpression({ callee, start }) {
      if (callee.type === "Identifier" && /^set(?:Timeout|Interval)$/.test(callee.name))
        real(start, callee.name, clock);
    },
    NewExpression({ callee, arguments: given, start }) {
      if (callee.type === "Identifier" && callee.name === "Date" && given.length === 0)
        real(start, "new Date()", clock);
    },
    ImportDeclaration({ source: { value }, start }) {
      if (/^(?:node:)?timers(?:\/promises)?$/.test(value)) real(start, value, clock);
    },
  });
  return breaches;
}
