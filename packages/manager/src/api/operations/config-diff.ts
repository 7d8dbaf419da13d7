/**
 * What a configuration file would change: the same decisions that reading it makes, with nothing written. A caller who may not see a
 * value does not learn by trying what it is: fields are compared as that caller sees them.
 */
import type { ConfigDiff, Server, ServerDifference, ServerDraft, ServerSpec } from "@mcp-manager/api";
import { check, configDiffRequestSchema, invalidFields, serverDefaults } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { sameJson } from "../../registry/transaction.ts";
import { redact } from "../../security/redact.ts";
import type { ConfiguredServer } from "../file-reading.ts";
import { type ConfiguredMark, ConfiguredMarks, isMadeBy } from "../configured-marks.ts";
import type { Authorizer, ConfigText } from "../ports.ts";
import type { Implementation } from "../request.ts";
import { changesBetween } from "./revision-diff.ts";
import { textOf } from "./revisions-of.ts";
import { hideSource, viewSource } from "./server-view.ts";

export interface ConfigDiffOptions {
  readonly registry: Registry;
  readonly authorizer: Authorizer;
  readonly configText: ConfigText;
}

const filenameDefault = "servers.yaml";

/** The implementation. */
export function configOperations({
  registry,
  authorizer,
  configText,
}: ConfigDiffOptions): Readonly<Record<"diffConfig", Implementation>> {
  return {
    async diffConfig({ body, principal, signal }) {
      const checked = check(configDiffRequestSchema, body);
      if (checked.kind === "wrong") throw invalidFields("diff", checked.fields);
      const { text, filename = filenameDefault } = checked.value;
      const { servers, restart } = await configText.parse(text, filename, signal);
      const marks = await new ConfiguredMarks(registry).all();
      const known = await serversByName(registry);
      const view: View = (spec) => ({ ...spec, source: viewSource(spec.source, principal, authorizer) });
      const named = servers.map((server) =>
        difference(server, known.get(server.draft.name), marks.get(server.draft.name), view),
      );
      const names = new Set(servers.map(({ draft }) => draft.name));
      const others = [...marks]
        .filter(([name, { file }]) => configText.file !== undefined && file === configText.file && !names.has(name))
        .flatMap(([name, mark]) => leaving(known.get(name), mark));
      const all = [...named, ...others].toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return { kind: "json", status: 200, body: { servers: all, restart } satisfies ConfigDiff };
    },
  };
}

/** A spec as the caller sees it. */
type View = (spec: ServerSpec) => ServerSpec;

/** Those that are there and stay so. */
async function serversByName(registry: Registry): Promise<ReadonlyMap<string, Server>> {
  const found = new Map<string, Server>();
  let cursor: string | undefined;
  do {
    const page = await registry.resources(kinds.Server).list(cursor === undefined ? {} : { cursor });
    for (const server of page.items)
      if (server.metadata.deletedAt === undefined) found.set(server.metadata.name, server);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

function difference(
  { draft, digest }: ConfiguredServer,
  current: Server | undefined,
  mark: ConfiguredMark | undefined,
  view: View,
): ServerDifference {
  const { name } = draft;
  const wanted = { ...draft, spec: view(draft.spec) };
  // To whoever sees less than the text says, that it is the text of the last time would tell what is hidden.
  if (mark?.digest === digest && sameJson(wanted.spec, draft.spec))
    return unchanged(name, whyKept(wanted, current, view));
  if (current === undefined) {
    const before = { ...serverDefaults, labels: {} };
    const fields = changesBetween({ real: before, shown: before }, sidesOf(wanted)).map(({ path, to }) => ({
      path,
      to,
    }));
    return { name, change: "created", fields, deployment: true };
  }
  const { metadata, spec } = current;
  const seen = { labels: metadata.labels, spec: view(spec) };
  const fields = changesBetween(sidesOf(seen), sidesOf(wanted));
  if (fields.length === 0) return unchanged(name);
  return { name, change: "changed", fields, deployment: textOf(seen.spec) !== textOf(wanted.spec) };
}

/** The file says what it said, so what there is stays, whatever it is. */
function whyKept(
  wanted: Pick<ServerDraft, "labels" | "spec">,
  current: Server | undefined,
  view: View,
): string | undefined {
  if (current === undefined) return "it was deleted by other ways, and stays so until its text changes";
  const seen = { labels: current.metadata.labels, spec: view(current.spec) };
  const isSame = changesBetween(sidesOf(seen), sidesOf(wanted)).length === 0;
  return isSame ? undefined : "it was changed by other ways, and stays so until its text changes";
}

/** What becomes of one that is named no more. */
function leaving(current: Server | undefined, mark: ConfiguredMark): readonly ServerDifference[] {
  if (current === undefined) return [];
  const { name } = current.metadata;
  if (isMadeBy(mark, current)) return [{ name, change: "deleted", fields: [], deployment: false }];
  return [unchanged(name, "it is named no more, and stays, since it was made by other ways")];
}

function unchanged(name: string, message?: string): ServerDifference {
  return { name, change: "unchanged", fields: [], deployment: false, ...(message === undefined ? {} : { message }) };
}

interface Sides {
  readonly real: unknown;
  readonly shown: unknown;
}

/** A Server's labels and spec to be compared, and to be shown: whoever reads a difference need not read secrets. */
function sidesOf({ labels, spec }: Pick<ServerDraft, "labels" | "spec">): Sides {
  return { real: { ...spec, labels }, shown: masked({ ...spec, source: hideSource(spec.source), labels }) };
}

/** Arguments and addresses may hold what looks like a secret. */
function masked(value: unknown): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(inner)]));
}
