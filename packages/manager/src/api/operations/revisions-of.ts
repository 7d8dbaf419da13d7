/** The revisions of one server as stored, and which of them a spec asks for. Reads only. */
import type { Deployment, Revision, ServerSpec } from "@mcp-manager/api";
import { runnablePart, runnableText } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";

/** Newest first. */
export async function revisionsOf(registry: Registry, server: string): Promise<readonly Revision[]> {
  const { items } = await registry
    .resources(kinds.Revision)
    .list({ startingWith: `${server}-`, where: ({ spec }) => spec.server === server });
  return items.toSorted((a, b) => b.spec.number - a.spec.number);
}

/** In order of names. */
export async function deploymentsOf(registry: Registry, server: string): Promise<readonly Deployment[]> {
  const { items } = await registry
    .resources(kinds.Deployment)
    .list({ startingWith: `${server}-`, where: ({ spec }) => spec.server === server });
  return items;
}

/** The runnable part of a spec as text that is equal exactly when the parts are. */
export function textOf(spec: ServerSpec): string {
  return runnableText(runnablePart(spec));
}

/** The spec with another revision's runnable part. */
export function withRunnable(spec: ServerSpec, { spec: { source, sandbox, sharing, limits } }: Revision): ServerSpec {
  const { cpu: _, ...others } = spec.limits;
  return { ...spec, source, sandbox, sharing, limits: { ...others, ...limits } };
}

/** The revision that says what the spec says: of several the preferred, else the newest. `revisions` are newest first. */
export function revisionOf(
  spec: ServerSpec,
  revisions: readonly Revision[],
  ...preferred: readonly (string | null | undefined)[]
): Revision | undefined {
  const text = textOf(spec);
  const same = revisions.filter((revision) => runnableText(revision.spec) === text);
  const found = preferred.flatMap((name) => same.find(({ metadata }) => metadata.name === name) ?? []);
  return found[0] ?? same[0];
}
