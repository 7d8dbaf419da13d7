/**
 * Opens runs of every kind of source: replaces the references in the revision's spec at the moment of the start, sees that what
 * was put in is masked in what the server prints and what is quoted of it, and hands over to the kind's own opener.
 */
import type { RevisionSpec, ServerSource } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { LineSink, Runtimes } from "../runtime/runtime.ts";
import { maskedError, RunFailure } from "./failure.ts";
import { openProcess } from "./open-process.ts";
import { openRemote } from "./open-remote.ts";
import type { OpenRequest, OpenRun, OpenRunFn } from "./run.ts";

export interface OpenerOptions {
  readonly runtimes: Runtimes;
  readonly clock: Clock;
  readonly random: Random;
  /** Replaces references; `where` names the values in errors. Rejects with ManagerError when one cannot be replaced. */
  readonly resolve: (values: Readonly<Record<string, string>>, where: string) => Promise<Resolved>;
  /** Masks these values, and what looks like a secret, in a text. */
  readonly redactor: (secrets: readonly string[]) => (text: string) => string;
}

/** Values with nothing left to replace, and which of them must not be shown. */
export interface Resolved {
  readonly values: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/** A variable or header whose name announces a secret; its value is masked even where it is written out in the spec. */
const secretName = /key|token|secret|passw|auth|credential|cookie/i;

export function createOpener(options: OpenerOptions): OpenRunFn {
  const { runtimes, clock, random } = options;
  return async (asked): Promise<OpenRun> => {
    const { source, secrets } = await resolveSource(asked.revision, options);
    const redact = options.redactor(secrets);
    const log: LineSink = { write: (line) => asked.log.write(redact(line)) };
    const request: OpenRequest = {
      ...asked,
      onUnhealthy: (reason) => asked.onUnhealthy?.(maskedError(reason, redact)),
    };
    try {
      const run =
        source.kind === "process"
          ? await openProcess({ runtime: runtimes.process, clock }, request, source, log)
          : await openRemote({ runtime: runtimes.remote, clock, random }, request, source, log);
      return { ...run, ended: run.ended.then((failure) => failure.masked(redact)) };
    } catch (error) {
      throw error instanceof RunFailure ? error.masked(redact) : error;
    }
  };
}

async function resolveSource(
  { server, source }: RevisionSpec,
  { resolve }: OpenerOptions,
): Promise<{ readonly source: ServerSource; readonly secrets: readonly string[] }> {
  try {
    if (source.kind === "remote") {
      const where = `spec.source.headers of server ${server}`;
      const headers = await resolve(source.headers, where);
      demandWithout(/[\r\n\0]/, headers, where);
      return { source: { ...source, headers: headers.values }, secrets: secretsOf(headers) };
    }
    const env = await resolve(source.env, `spec.source.env of server ${server}`);
    const named = Object.fromEntries(source.args.map((arg, index) => [`args[${index}]`, arg]));
    const args = await resolve(named, `spec.source of server ${server}`);
    demandWithout(/\0/, env, `spec.source.env of server ${server}`);
    demandWithout(/\0/, args, `spec.source of server ${server}`);
    return {
      source: { ...source, args: Object.values(args.values), env: env.values },
      secrets: [...secretsOf(env), ...args.secrets],
    };
  } catch (error) {
    throw new RunFailure("configure", error);
  }
}

/** What a reference stands for is seen here first, and would end a header, or a variable, where nobody meant it to. */
function demandWithout(characters: RegExp, { values }: Resolved, where: string): void {
  const found = Object.entries(values).find(([, value]) => characters.test(value));
  if (found === undefined) return;
  const message = `${found[0]} in ${where} would hold a line end or a NUL character: correct what its reference stands for`;
  throw new ManagerError("failed_precondition", message, { reason: "REFERENCE_UNUSABLE" });
}

/** What was put in, and the values whose names announce a secret. */
function secretsOf({ values, secrets }: Resolved): readonly string[] {
  const named = Object.entries(values).filter(([name]) => secretName.test(name));
  return [...secrets, ...named.map(([, value]) => value.replace(/^(Bearer|Basic) /i, ""))];
}
