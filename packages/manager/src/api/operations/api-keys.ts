/** The operations on API keys. The key itself passes through here once, in the answer to its creation. */
import type { ApiKey } from "@mcp-manager/api";
import { isName, parseApiKey, parseLabels } from "@mcp-manager/api";
import type { ApiKeys } from "../ports.ts";
import type { Implementation } from "../request.ts";
import { notFound, pathValue, text } from "../request.ts";
import { pageOf } from "./page.ts";

/** The implementations, by operation. */
export function apiKeyOperations(
  keys: ApiKeys,
): Readonly<Record<"listApiKeys" | "createApiKey" | "getApiKey" | "deleteApiKey", Implementation>> {
  return {
    async listApiKeys(request) {
      const wanted = Object.entries(labelsOf(text(request, "labels")));
      const items = (await keys.list())
        .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels[label] === value))
        .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
      return { kind: "json", status: 200, body: pageOf(items, request) };
    },

    async createApiKey(request) {
      return reply(201, await keys.create(parseApiKey(request.body)));
    },

    async getApiKey(request) {
      const name = pathValue(request, "name");
      const key = isName(name) ? await keys.get(name) : undefined;
      if (key === undefined) throw notFound("API key", name);
      return reply(200, key);
    },

    async deleteApiKey(request) {
      const name = pathValue(request, "name");
      const key = isName(name) ? await keys.delete(name) : undefined;
      if (key === undefined) throw notFound("API key", name);
      return { kind: "json", status: 200, body: key };
    },
  };
}

function labelsOf(labels: string | undefined): Readonly<Record<string, string>> {
  return labels === undefined ? {} : parseLabels(labels);
}

function reply(status: number, body: ApiKey): Awaited<ReturnType<Implementation>> {
  return { kind: "json", status, body, revision: body.metadata.revision };
}
