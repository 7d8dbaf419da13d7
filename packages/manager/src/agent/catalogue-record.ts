/** The Catalogue record of a revision: written once, by whichever replica comes first, and never for a revision that is gone. */
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { Offer } from "./catalogue.ts";

/** Keeps what a revision's replica offers, unless something is kept already; true when it was kept. */
export async function keepCatalogue(registry: Registry, revision: string, offer: Offer): Promise<boolean> {
  if ((await registry.resources(kinds.Catalogue).get(revision)) !== undefined) return false;
  const of = await registry.resources(kinds.Revision).read(revision);
  if (of === undefined) return false;
  const { digest, text, ttlMs } = offer;
  const spec = { server: of.resource.spec.server, digest, ttlMs, ...(text === undefined ? {} : { text }) };
  const transaction = registry.transaction();
  transaction.requireUnchanged(kinds.Revision, of);
  transaction.create(kinds.Catalogue, { name: revision, spec });
  return (await transaction.commit()).kind === "committed";
}
