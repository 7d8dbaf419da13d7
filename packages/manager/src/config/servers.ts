/**
 * From the servers that a file asks for to checked drafts: one validation for all forms, with every mistake at its place in the
 * file, and a digest of what was written.
 */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { ManagerError, parseServer } from "@mcp-manager/api";
import type { FieldError, ServerDraft } from "@mcp-manager/api";
import type { Candidate } from "./candidate.ts";
import { problemAt } from "./candidate.ts";
import { fieldText, isRecord, parseField } from "./field-path.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";

/** A server that the configuration asks for. */
export interface ConfiguredServer {
  readonly draft: ServerDraft;
  /**
   * Of what the file says about this server, before defaults: the same as long as that is the same, whatever else the file says
   * and however it is laid out. Apply the draft only when it differs from the last one applied.
   */
  readonly digest: string;
  readonly origin: Origin;
}

/** The checked servers, or what is wrong with them. */
export interface CheckedServers {
  readonly servers: readonly ConfiguredServer[];
  readonly problems: readonly Problem[];
}

/** `folder` is the absolute path of the directory that the file is in. */
export function checkServers(candidates: readonly Candidate[], folder: string): CheckedServers {
  const servers: ConfiguredServer[] = [];
  const problems: Problem[] = [];
  const places = new Map<string, string>();
  for (const candidate of candidates) {
    const outcome = parse(candidate);
    if (!("name" in outcome)) {
      problems.push(...outcome.map((field) => toProblem(candidate, field)));
      continue;
    }
    const { path: file } = candidate.document;
    const { line } = candidate.document.positionOf(candidate.path);
    const before = places.get(outcome.name);
    if (before !== undefined) {
      const expected = `another name: ${before} has a server of this one`;
      problems.push(problemAt(candidate.document, candidate.path, { given: `server ${outcome.name} again`, expected }));
    }
    places.set(outcome.name, before ?? `${file}:${line}`);
    const draft = withAbsoluteCwd(outcome, folder);
    servers.push({ draft, digest: digestOf(candidate), origin: { kind: "file", path: file, line } });
  }
  return { servers, problems };
}

function parse({ input, name }: Candidate): ServerDraft | readonly FieldError[] {
  try {
    return parseServer(input, name === undefined ? {} : { name });
  } catch (error) {
    if (error instanceof ManagerError && error.fields.length > 0) return error.fields;
    throw error;
  }
}

/** A relative `cwd` in a file is relative to that file, wherever the manager is started; one that was left out stays so. */
function withAbsoluteCwd(draft: ServerDraft, folder: string): ServerDraft {
  const { source } = draft.spec;
  if (source.kind !== "process" || source.cwd === undefined) return draft;
  return { ...draft, spec: { ...draft.spec, source: { ...source, cwd: resolve(folder, source.cwd) } } };
}

function toProblem({ document, locate }: Candidate, { path, given, expected }: FieldError): Problem {
  const ours = parseField(path);
  const field = locate(ours);
  // Arguments may hold secrets, and a command may hold its arguments by mistake.
  const isHidden = given.startsWith('"') && ours.some((key) => key === "args" || key === "command");
  return problemAt(document, field, {
    field: fieldText(field),
    given: isHidden ? "text (not shown)" : given,
    expected,
  });
}

function digestOf({ input, name }: Candidate): string {
  const { metadata, spec } = isRecord(input) ? input : {};
  const { name: ownName, labels } = isRecord(metadata) ? metadata : {};
  return createHash("sha256")
    .update(stableText({ name: ownName ?? name, labels: labels ?? {}, spec }))
    .digest("hex");
}

/** JSON with the members of objects in order, so that moving a line is no change. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
