import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "./command.ts";
import { parseCommandLine, UsageError } from "./usage.ts";

const server = (verb: string, more: Partial<Command> = {}): Command => ({
  words: ["server", verb],
  summary: verb,
  examples: [],
  run: () => Promise.resolve(0),
  ...more,
});
const commands: readonly Command[] = [
  server("list"),
  server("get", { positionals: [{ name: "NAME" }] }),
  server("apply", {
    options: {
      file: { type: "string", short: "f", value: "FILE", summary: "" },
      "dry-run": { type: "boolean", summary: "" },
    },
  }),
  server("deploy", { options: { arg: { type: "string", many: true, value: "TEXT", summary: "" } } }),
  server("call", { positionals: [{ name: "NAME" }, { name: "PAIR", optional: true, many: true }] }),
  { ...server(""), words: ["up"], isLocal: true },
];

function parse(line: string): unknown {
  const parsed = parseCommandLine(commands, line === "" ? [] : line.split(" "));
  if (parsed.kind !== "run") return parsed;
  const { command, values, positionals } = parsed;
  return { command: command.words.join(" "), values, positionals };
}

test("a command is found by its words, with its options in any place behind them", () => {
  const wanted = {
    command: "server apply",
    values: { file: "a.yaml", "dry-run": true, output: "json" },
    positionals: [],
  };
  assert.deepEqual(parse("server apply -f a.yaml --dry-run -o json"), wanted);
  assert.deepEqual(parse("server apply -ojson --dry-run --file=a.yaml"), wanted);
});

test("arguments are taken in their order, and all behind -- are arguments", () => {
  const call = (positionals: readonly string[]): object => ({ command: "server call", values: {}, positionals });
  assert.deepEqual(parse("server call a b=1 c=2"), call(["a", "b=1", "c=2"]));
  assert.deepEqual(parse("server call a -- -b=1"), call(["a", "-b=1"]));
});

test("an option that may be given again and again keeps all its values in order", () => {
  const deploy = (arg: readonly string[]): object => ({ command: "server deploy", values: { arg }, positionals: [] });
  assert.deepEqual(parse("server deploy --arg=-y --arg a@2"), deploy(["-y", "a@2"]));
  assert.deepEqual(parse("server deploy --arg one"), deploy(["one"]));
});

test("help is asked for with or without a command, and by the word help", () => {
  for (const line of ["", "--help", "-h", "help"]) assert.deepEqual(parse(line), { kind: "help", words: [] }, line);
  for (const line of ["server --help", "help server"]) {
    assert.deepEqual(parse(line), { kind: "help", words: ["server"] }, line);
  }
  for (const line of ["server get --help", "server get -h", "help server get"]) {
    assert.deepEqual(parse(line), { kind: "help", words: ["server", "get"] }, line);
  }
});

test("the version is asked for by an option or a word", () => {
  for (const line of ["--version", "-v", "version"]) assert.deepEqual(parse(line), { kind: "version" }, line);
});

const wrong: readonly (readonly [line: string, message: RegExp])[] = [
  ["serv list", /^unknown command "serv"; did you mean server\?$/],
  ["zzzzzz", /^unknown command "zzzzzz"$/],
  ["help zzzzzz", /^unknown command "zzzzzz"$/],
  ["server lst", /^unknown command "server lst"; did you mean list\?$/],
  ["server zzzzzz", /it is one of list, get, apply, deploy, call$/],
  ["server", /^server needs one of: list, get, apply, deploy, call$/],
  ["server get", /^server get needs NAME$/],
  ["server get a b", /^server get does not take "b"$/],
  ["server list --outptu json", /^unknown option --outptu; did you mean --output\?$/],
  ["server list -x", /^unknown option -x$/],
  ["server list --constructor", /^unknown option --constructor$/],
  ["server list --no-help", /^unknown option --no-help/],
  ["server apply --file", /^--file needs a value: FILE$/],
  ["server apply --file=", /^--file needs a value: FILE$/],
  ["server apply --file --dry-run", /^--file needs a value, and --dry-run looks like an option/],
  ["server apply -f a -f b", /^-f is given twice$/],
  ["server apply --dry-run=yes", /^--dry-run takes no value$/],
  ["-o json server list", /^-o has to come after the command/],
  ["server -o json list", /^-o has to come after the command/],
  ["up -o json", /^unknown option -o$/],
];

for (const [line, message] of wrong) {
  test(`"${line}" makes no sense, and it is said why`, () => {
    assert.throws(
      () => parse(line),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("a dash alone, and what is joined by =, may be a value", () => {
  assert.deepEqual(parse("server apply -f -"), { command: "server apply", values: { file: "-" }, positionals: [] });
  assert.deepEqual(parse("server apply --file=-x"), {
    command: "server apply",
    values: { file: "-x" },
    positionals: [],
  });
});
