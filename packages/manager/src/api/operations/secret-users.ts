/**
 * Who uses which secret, as stored: servers by their specs, and by the revisions of which replicas still run (a canary's old one, say),
 * and webhooks. Reads only.
 */
import { findReferences, secretNames, secretsAmong } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";

/** Users (`server weather`) by the secret's name, each list in order. A secret that nobody uses is not in it. */
export type SecretUsers = ReadonlyMap<string, readonly string[]>;

const all = { limit: Number.MAX_SAFE_INTEGER };

/** Looks through everything that may have references. */
export async function secretUsers(registry: Registry): Promise<SecretUsers> {
  const found = new Map<string, Set<string>>();
  const note = (user: string, names: readonly string[]): void => {
    for (const name of names) found.set(name, (found.get(name) ?? new Set()).add(user));
  };
  const [servers, replicas, webhooks] = await Promise.all([
    registry.resources(kinds.Server).list(all),
    registry.resources(kinds.Replica).list(all),
    registry.resources(kinds.Webhook).list(all),
  ]);
  const running = new Set(replicas.items.map(({ spec }) => spec.revision));
  const isRunning = ({ metadata }: { readonly metadata: { readonly name: string } }): boolean =>
    running.has(metadata.name);
  const revisions = await registry.resources(kinds.Revision).list({ ...all, where: isRunning });
  for (const { metadata, spec } of servers.items) note(`server ${metadata.name}`, secretNames(spec.source));
  for (const { spec } of revisions.items) note(`server ${spec.server}`, secretNames(spec.source));
  for (const { metadata, spec } of webhooks.items)
    note(`webhook ${metadata.name}`, secretsAmong(findReferences(spec.secret ?? "")));
  return new Map([...found].map(([name, users]) => [name, [...users].toSorted()]));
}
