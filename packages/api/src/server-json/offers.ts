/** The ways of running a server that its description offers, and those of them that can be gone here. Pure. */
import type { ServerSourceInput } from "../server.ts";
import type { Answers } from "./answers.ts";
import { addressOf, argumentsOf, entriesOf } from "./fill.ts";
import type { RegistryPackage, RegistryRemote, ServerJson } from "./format.ts";
import { runnerOf } from "./runners.ts";
import type { Question } from "./slots.ts";
import { SlotMaker } from "./slots.ts";

/** One way. */
export type Offer = {
  /** `npm`, `pypi`, `streamable-http` … */
  readonly kind: string;
  /** In a few words: `npm @acme/weather@1.0.0`. */
  readonly label: string;
} & (
  | {
      readonly isPossible: true;
      readonly questions: readonly Question[];
      /** The source, when all that is required is answered. Throws `invalid_argument` when answers do not fit together. */
      source(answers: Answers): ServerSourceInput;
    }
  /** `why` says what is missing and what to do. */
  | { readonly isPossible: false; readonly why: string }
);

/** All of them, packages first, in the order of the description. */
export function offersOf({ packages = [], remotes = [] }: ServerJson): readonly Offer[] {
  return [...packages.map(packageOffer), ...remotes.map(remoteOffer)];
}

function packageOffer(given: RegistryPackage): Offer {
  const { registryType: kind, identifier, version, transport } = given;
  const about = { kind, label: `${kind} ${identifier}${version === undefined ? "" : `@${version}`}` };
  const type = transport?.type ?? "stdio";
  if (type !== "stdio")
    return {
      ...about,
      isPossible: false,
      why: `it speaks ${type} on a port: processes are spoken to on stdin and stdout only`,
    };
  const runner = runnerOf(given);
  if (runner.kind === "none") return { ...about, isPossible: false, why: runner.why };
  const maker = new SlotMaker();
  const before = (given.runtimeArguments ?? []).map((argument) => maker.argument(argument));
  const behind = (given.packageArguments ?? []).map((argument) => maker.argument(argument));
  const env = (given.environmentVariables ?? []).map((input) => maker.named("environment variable", input));
  return {
    ...about,
    isPossible: true,
    questions: maker.questions,
    source: (answers) => ({
      kind: "process",
      command: runner.command,
      args: runner.args(argumentsOf(before, answers), argumentsOf(behind, answers)),
      env: entriesOf(env, answers),
    }),
  };
}

function remoteOffer({ type, url, headers = [], variables = {} }: RegistryRemote): Offer {
  const about = { kind: type, label: `${type} ${url}` };
  if (type !== "streamable-http" && type !== "sse")
    return {
      ...about,
      isPossible: false,
      why: `${type} is no transport that is known here: streamable-http and sse are`,
    };
  const maker = new SlotMaker();
  const address = maker.address(url, variables);
  const slots = headers.map((input) => maker.named("header", input));
  return {
    ...about,
    isPossible: true,
    questions: maker.questions,
    source: (answers) => ({
      kind: "remote",
      url: addressOf(address, answers),
      transport: type,
      headers: entriesOf(slots, answers),
    }),
  };
}
