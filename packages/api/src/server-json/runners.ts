/**
 * Which program runs a package, and with which arguments. Only programs whose business that is: a description could ask for any, and
 * one that starts with a dash would be an option.
 */
import type { RegistryPackage } from "./format.ts";

/** How a package is run. */
export type Runner =
  | {
      readonly kind: "runner";
      readonly command: string;
      /** The arguments, from those for the program and those for the server. */
      args(before: readonly string[], behind: readonly string[]): readonly string[];
    }
  /** It is not. `why` says what to do. */
  | { readonly kind: "none"; readonly why: string };

type Make = (given: Required<Pick<RegistryPackage, "identifier" | "version">>, registry: string | undefined) => Runner;

interface Ecosystem {
  readonly identifier: RegExp;
  /** Whose hosts (under .org) have the packages when nothing else is said; there a program is told nothing, as its user may have a mirror. */
  readonly home: string;
  /** By the name of the program; the first is the usual one. */
  readonly runners: Readonly<Record<string, Make>>;
}

const runner = (
  command: string,
  args: (before: readonly string[], behind: readonly string[]) => readonly string[],
): Runner => ({
  kind: "runner",
  command,
  args,
});

/** `id@version`; an unnamed version is whichever is the newest. */
const at = (identifier: string, version: string): string => (version === "" ? identifier : `${identifier}@${version}`);

const elsewhere = (registry: string): Runner => ({
  kind: "none",
  why: `it comes from the package registry ${registry}, which the program that runs it cannot be told: write the server down yourself`,
});

const ecosystems: Readonly<Record<string, Ecosystem>> = {
  npm: {
    identifier: /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/i,
    home: "npmjs",
    runners: {
      npx: ({ identifier, version }, registry) =>
        runner("npx", (before, behind) => [
          ...(before.some((argument) => ["-y", "--yes"].includes(argument)) ? [] : ["-y"]),
          ...(registry === undefined ? [] : [`--registry=${registry}`]),
          ...before,
          at(identifier, version),
          ...behind,
        ]),
      bunx: ({ identifier, version }, registry) =>
        registry === undefined
          ? runner("bunx", (before, behind) => [...before, at(identifier, version), ...behind])
          : elsewhere(registry),
    },
  },
  pypi: {
    identifier: /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i,
    home: "pypi",
    runners: {
      uvx: ({ identifier, version }, registry) =>
        runner("uvx", (before, behind) => [
          ...(registry === undefined ? [] : [`--default-index=${registry}`]),
          ...before,
          at(identifier, version),
          ...behind,
        ]),
      pipx: ({ identifier, version }, registry) =>
        runner("pipx", (before, behind) => [
          "run",
          ...(registry === undefined ? [] : [`--index-url=${registry}`]),
          ...before,
          version === "" ? identifier : `${identifier}==${version}`,
          ...behind,
        ]),
    },
  },
  nuget: {
    identifier: /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?$/i,
    home: "nuget",
    runners: {
      dnx: ({ identifier, version }, registry) =>
        registry === undefined
          ? runner("dnx", (before, behind) => [
              at(identifier, version),
              "--yes",
              ...before,
              ...(behind.length === 0 ? [] : ["--", ...behind]),
            ])
          : elsewhere(registry),
    },
  },
};

const refusals: Readonly<Record<string, string>> = {
  oci: "it is a container image, and servers in containers are not available yet: a server that runs docker (command: docker, args: [run, -i, --rm, IMAGE]) is",
  mcpb: "it is a bundle to be downloaded and unpacked, which is not done here: unpack it yourself and write down its command",
};

/** It becomes an argument, in which a reference would be replaced, and a secret sent there. */
const plainAddress = /^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[\w.~%@/-]*)?$/;

/** The runner of a package. */
export function runnerOf(given: RegistryPackage): Runner {
  const { registryType, registryBaseUrl, identifier, version = "", runtimeHint, runtimeArguments = [] } = given;
  const ecosystem = Object.hasOwn(ecosystems, registryType) ? ecosystems[registryType] : undefined;
  if (ecosystem === undefined) return { kind: "none", why: refusalOf(registryType) };
  if (!ecosystem.identifier.test(identifier))
    return { kind: "none", why: `its identifier is no name of a package of ${registryType}` };
  if (!/^(?:[A-Za-z0-9][A-Za-z0-9.+_!-]*)?$/.test(version)) return { kind: "none", why: "its version is none" };
  const base = registryBaseUrl?.replace(/\/+$/, "");
  const registry = base === undefined || isHome(base, ecosystem.home) ? undefined : base;
  if (registry !== undefined && !plainAddress.test(registry))
    return { kind: "none", why: "its package registry has no plain https:// address" };
  const names = Object.keys(ecosystem.runners);
  const hinted = runtimeHint !== undefined && Object.hasOwn(ecosystem.runners, runtimeHint) ? runtimeHint : undefined;
  // A hint is no more than that, as long as nothing else was written for that program.
  if (hinted === undefined && runtimeHint !== undefined && runtimeArguments.length > 0)
    return {
      kind: "none",
      why: `it is to be run by another program than ${names.join(" or ")}: write the server down yourself`,
    };
  const make = ecosystem.runners[hinted ?? names[0] ?? ""];
  return make?.({ identifier, version }, registry) ?? { kind: "none", why: refusalOf(registryType) };
}

function isHome(address: string, home: string): boolean {
  const [host = ""] = /^https:\/\/([a-z.]+)(?:\/|$)/.exec(address)?.slice(1) ?? [];
  return host === `${home}.org` || host.endsWith(`.${home}.org`);
}

function refusalOf(registryType: string): string {
  const known = Object.hasOwn(refusals, registryType) ? refusals[registryType] : undefined;
  return known ?? `packages of this kind are not run here: ${Object.keys(ecosystems).join(", ")} are`;
}
