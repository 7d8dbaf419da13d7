/** Stand-ins for what sends events to others: webhooks in a registry, to which nothing is sent, and dead letters in a map. */
import type { DeadLetter, Webhook } from "@mcp-manager/api";
import { hiddenValue } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import type { DeadLetters, Replays, Webhooks } from "../ports.ts";

/** Webhooks that are kept with a hidden secret and no judgement of their addresses. */
export function keptWebhooks(registry: Registry): Webhooks {
  const resources = registry.resources(kinds.Webhook);
  const hide = ({ spec }: Pick<Webhook, "spec">): Webhook["spec"] => ({ ...spec, secret: hiddenValue });
  return {
    list: async () => (await resources.list()).items,
    get: (name) => resources.get(name),
    create: ({ name, labels, spec }) => resources.create({ name, labels, spec: hide({ spec }) }),
    async put({ name, labels, spec }, ifRevision) {
      const current = await resources.get(name);
      const change = { labels, spec: hide({ spec }) };
      if (current === undefined) return { webhook: await resources.create({ name, ...change }), isNew: true };
      const read = ifRevision ?? current.metadata.revision;
      return { webhook: await resources.replace(name, change, { ifRevision: read }), isNew: false };
    },
    delete: (name, ifRevision) => resources.delete(name, ifRevision === undefined ? {} : { ifRevision }),
  };
}

/** Dead letters as a test put them there; a replay delivers each. */
export function keptLetters(letters: Map<string, DeadLetter>): DeadLetters & Replays {
  const names = (webhook?: string): readonly string[] =>
    [...letters]
      .filter(([, { spec }]) => webhook === undefined || spec.source.name === webhook)
      .map(([name]) => name)
      .toReversed();
  const take = (name: string): Promise<DeadLetter | undefined> => {
    const letter = letters.get(name);
    letters.delete(name);
    return Promise.resolve(letter);
  };
  return {
    names,
    get: (name) => Promise.resolve(letters.get(name)),
    delete: take,
    purge: async (webhook) => (await Promise.all(names(webhook).map(take))).length,
    one: take,
    all: (webhook) => names(webhook).map(take).length,
  };
}
