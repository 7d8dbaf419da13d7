/** `registry add`: a server as the registry of the MCP project describes it, registered and waited for. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Offer, Server, ServerInput } from "@mcp-manager/api";
import {
  findReferences,
  isName,
  legalName,
  ManagerError,
  nameRule,
  offersOf,
  parseServer,
  parseServerJson,
} from "@mcp-manager/api";
import type { Client } from "@mcp-manager/client";
import type { Command, Invocation } from "../command.ts";
import { jsonText, printable, yamlText } from "../output.ts";
import type { Listed } from "../registry-client.ts";
import { UsageError } from "../usage.ts";
import { isGood, outcomesOf } from "./apply-outcome.ts";
import { deploymentWaitNotes, deploymentWaitOptions, waitOf } from "./deployment-wait.ts";
import type { Decided, KeptSecret } from "./registry-answers.ts";
import { decide, pairsOf } from "./registry-answers.ts";
import { registryOf, registryOption } from "./registry-search.ts";
import { showOutcomes } from "./server-apply.ts";

export const registryAdd: Command = {
  words: ["registry", "add"],
  summary: "Register a server as the registry of the MCP project describes it, and wait until it runs",
  positionals: [{ name: "NAME[@VERSION]" }],
  options: {
    registry: registryOption,
    as: { type: "string", value: "NAME", summary: "What it is called here. Default: the last part of its name" },
    use: {
      type: "string",
      value: "KIND",
      summary: "Which way of running it: npm, pypi, nuget, streamable-http or sse. Default: the first that can be gone",
    },
    set: {
      type: "string",
      value: "NAME=VALUE",
      many: true,
      summary: "An argument, variable or header that it asks for; VALUE may be a reference such as ${env:NAME}",
    },
    env: {
      type: "string",
      value: "NAME=VALUE",
      many: true,
      summary: "A variable of its environment, asked for or not",
    },
    replace: { type: "boolean", summary: "Change the server of that name, if there is one. Default: refuse" },
    print: { type: "boolean", summary: "Print the Server as YAML, for a file of yours; ask no manager" },
    "dry-run": { type: "boolean", summary: "Check everything, change nothing" },
    yes: { type: "boolean", short: "y", summary: "Do not ask in a terminal whether to run what it describes" },
    ...deploymentWaitOptions,
  },
  notes: [
    "NAME is a name of the registry (io.github.user/weather), or a server.json file (./server.json). What is needed and not given is asked for in a terminal; elsewhere it is refused, with the list of what is missing.",
    "A value that the description calls secret is kept as a Secret of the manager, and the server has a reference to it. Better than --set, which others can read in the list of processes: let it be asked for, or give a reference.",
    "A package runs on the manager's machine with all that it brings along. Read what it is first: --print shows what would run.",
    ...deploymentWaitNotes,
  ],
  examples: [
    "mcp-manager registry add io.github.user/weather",
    "mcp-manager registry add io.github.user/weather@1.2.0 --as wx --set API_KEY='${env:WEATHER_KEY}'",
    "mcp-manager registry add ./server.json --print",
  ],
  async run(invocation) {
    const { flag, print, io } = invocation;
    const wait = waitOf(invocation, registryAdd.words);
    const listed = await read(invocation);
    const name = nameFor(listed, invocation);
    const offer = choose(listed, invocation);
    const decided = await decideAll(invocation, name, offer);
    const input = inputFor(name, offer, decided, invocation);
    print.note(`${printable(listed.server.name)} ${printable(listed.server.version)}, ${printable(offer.label)}`);
    print.note(`runs: ${printable(commandOf(input))}`);
    if (flag("print")) {
      printInput(invocation, input, decided.secrets);
      return 0;
    }
    if (!(await isMeant(invocation, input))) {
      print.note("nothing was changed");
      return 1;
    }
    const server = await register(invocation, input, decided.secrets);
    const isWaiting = wait !== undefined && !flag("dry-run");
    const outcomes = isWaiting ? await outcomesOf(invocation, [server], wait) : [{ kind: "applied", server } as const];
    showOutcomes(outcomes, invocation);
    if (io.signal.aborted) return 130;
    return outcomes.every(isGood) ? 0 : 1;
  },
};

type Possible = Extract<Offer, { readonly isPossible: true }>;

async function read(invocation: Invocation): Promise<Listed> {
  const { positionals, io, print } = invocation;
  const [given = ""] = positionals;
  if (/^[./~]|\.json$/.test(given)) return { server: parseServerJson(readFile(resolve(io.cwd, given), given), given) };
  const [, name = "", version = "latest"] = /^([^@]+\/[^@]+)(?:@(.+))?$/.exec(given) ?? [];
  if (name === "") {
    const expected =
      "a name like io.github.user/weather (mcp-manager registry search finds it), or a file like ./server.json";
    throw new UsageError(`registry add takes ${expected}, not "${given.slice(0, 80)}"`, registryAdd.words);
  }
  const listed = await registryOf(invocation).get(name, version);
  if (listed.status !== undefined && listed.status !== "active")
    print.note(
      `the registry calls ${name} ${printable(listed.status)}: its publisher does not want it to be used any more`,
    );
  return listed;
}

const fileBytesMax = 1_048_576;

function readFile(path: string, shown: string): unknown {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length <= fileBytesMax) return JSON.parse(text);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    const why =
      error instanceof SyntaxError
        ? "it is no JSON"
        : code === "ENOENT"
          ? "there is no such file"
          : (code ?? String(error));
    throw new ManagerError("invalid_argument", `cannot read ${shown}: ${why}`, { cause: error });
  }
  throw new ManagerError("invalid_argument", `cannot read ${shown}: it is larger than 1 MiB`);
}

function nameFor({ server }: Listed, { option }: Invocation): string {
  const given = option("as");
  if (given === undefined) return legalName(server.name.slice(server.name.lastIndexOf("/") + 1));
  if (isName(given)) return given;
  throw new UsageError(`--as takes ${nameRule}, not "${given.slice(0, 60)}"`, registryAdd.words);
}

/** The way that was asked for, or the first that can be gone; what else there is is said. */
function choose({ server }: Listed, { option, print }: Invocation): Possible {
  const all = offersOf(server);
  const use = option("use");
  const wanted = use === undefined ? all : all.filter(({ kind }) => kind === use);
  const chosen = wanted.find((offer): offer is Possible => offer.isPossible);
  if (chosen === undefined) throw nowhere(server.name, use, all, wanted);
  const others = [
    ...new Set(all.filter(({ isPossible, kind }) => isPossible && kind !== chosen.kind).map(({ kind }) => kind)),
  ];
  if (use === undefined && others.length > 0)
    print.note(`it can also be run by ${printable(others.join(", "))}: --use KIND`);
  return chosen;
}

function nowhere(name: string, use: string | undefined, all: readonly Offer[], wanted: readonly Offer[]): ManagerError {
  if (use !== undefined && wanted.length === 0) {
    const kinds = [...new Set(all.map(({ kind }) => kind))].join(", ") || "none";
    return new ManagerError("invalid_argument", `${name} cannot be run by ${use}: it offers ${kinds}`);
  }
  const reasons = wanted.map((offer) => `${offer.label}: ${offer.isPossible ? "" : offer.why}`);
  const why = reasons.join("; ") || "its description offers no way of running it";
  return new ManagerError("failed_precondition", `${name} cannot be run here: ${why}`);
}

/** `--env` may answer what is asked for, or set something else. */
async function decideAll(invocation: Invocation, server: string, { questions }: Possible): Promise<Decided> {
  const given = pairsOf("set", invocation.all("set"), registryAdd.words);
  for (const [name, values] of pairsOf("env", invocation.all("env"), registryAdd.words))
    if (questions.some(({ key }) => key === name) && !given.has(name)) given.set(name, values);
  return await decide(invocation, { server, questions, given });
}

/** The Server, by the program's own rules. Throws `invalid_argument`. */
function inputFor(name: string, offer: Possible, { answers }: Decided, { all }: Invocation): ServerInput {
  const source = offer.source(answers);
  const more = [...pairsOf("env", all("env"), registryAdd.words)].filter(
    ([key]) => !offer.questions.some((question) => question.key === key),
  );
  if (more.length > 0 && source.kind !== "process")
    throw new UsageError("--env is for a server that is run here: a remote one has headers (--set)", registryAdd.words);
  const extra = Object.fromEntries(more.map(([key, values]) => [key, values.at(-1) ?? ""]));
  const whole = source.kind === "process" ? { ...source, env: { ...source.env, ...extra } } : source;
  const input: ServerInput = { kind: "Server", metadata: { name }, spec: { source: whole } };
  parseServer(input);
  return input;
}

/** What is run, as it would be typed. Of variables the names: what they are may be secret, that they are there may be surprising. */
function commandOf({ spec: { source } }: ServerInput): string {
  if (source.kind !== "process") return source.url;
  const { command, args = [], env = {} } = source;
  const names = Object.keys(env);
  const words = [command, ...args].map((word) => (/^[\w@%+=:,./~^-]+$/.test(word) ? word : JSON.stringify(word)));
  return words.join(" ") + (names.length === 0 ? "" : `, with ${names.join(", ")} in its environment`);
}

/** A description may start anything; whoever sits there has read what, and says so. A script has decided when it was written. */
async function isMeant({ flag, io }: Invocation, { spec: { source } }: ServerInput): Promise<boolean> {
  if (source.kind !== "process" || flag("yes") || flag("dry-run")) return true;
  const answer = await io.ask("Run this on the manager's machine? [y/N] ");
  return answer === undefined || /^y(?:es)?$/i.test(answer.trim());
}

function printInput({ print }: Invocation, input: ServerInput, secrets: readonly KeptSecret[]): void {
  print.line(print.format === "json" ? jsonText(input) : yamlText(input));
  for (const { name } of secrets) print.note(`keep its secret before you apply it: mcp-manager secret set ${name}`);
  const { source } = input.spec;
  const values = source.kind === "process" ? (source.env ?? {}) : (source.headers ?? {});
  for (const reference of Object.values(values).flatMap((value) => findReferences(value)))
    if (reference.source === "env") print.note(`the manager needs ${reference.key} in its environment`);
}

/** Nothing is kept before the manager has found the Server to be right. */
async function register(
  { client, flag, io, print }: Invocation,
  input: ServerInput,
  secrets: readonly KeptSecret[],
): Promise<Server> {
  const { signal } = io;
  const manager = client();
  const { name } = input.metadata;
  if (!flag("replace") && (await exists(manager, name, signal))) {
    throw new ManagerError(
      "already_exists",
      `server "${name}" exists: choose another name with --as, or change that one with --replace`,
      { server: name },
    );
  }
  for (const secret of secrets) await demandOwn(manager, name, secret.name, signal);
  const checked = await manager.servers.apply(input, { dryRun: true, signal });
  if (flag("dry-run")) return checked;
  for (const { name: secret, value } of secrets) {
    await manager.secrets.put({ metadata: { name: secret }, spec: { value } }, { signal });
    print.note(`secret ${secret} is kept`);
  }
  return flag("replace")
    ? await manager.servers.apply(input, { signal })
    : await manager.servers.create(input, { signal });
}

async function exists(client: Client, name: string, signal: AbortSignal): Promise<boolean> {
  return (await found(client.servers.get(name, { signal }))) !== undefined;
}

/** Others that use a secret of this name did not ask for another value. */
async function demandOwn(client: Client, server: string, secret: string, signal: AbortSignal): Promise<void> {
  const { usedBy = [] } = (await found(client.secrets.get(secret, { signal })))?.status ?? {};
  const others = usedBy.filter((user) => user !== `server ${server}`);
  if (others.length === 0) return;
  const remedy = "choose another name for the server with --as, or give a reference to another secret with --set";
  throw new ManagerError("already_exists", `the secret ${secret} is used by ${others.join(", ")}: ${remedy}`, {
    server,
  });
}

/** Undefined where there is none. */
async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ManagerError && error.code === "not_found") return undefined;
    throw error;
  }
}
