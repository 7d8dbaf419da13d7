/** The operations on webhooks. Their secrets come in here and never go out. */
import type { Principal, Webhook } from "@mcp-manager/api";
import { hiddenValue, isName, parseLabels, parseWebhook } from "@mcp-manager/api";
import type { Authorizer, Webhooks } from "../ports.ts";
import type { Implementation, OperationReply } from "../request.ts";
import { notFound, pathValue, text } from "../request.ts";
import { pageOf } from "./page.ts";

type Names = "listWebhooks" | "createWebhook" | "getWebhook" | "putWebhook" | "deleteWebhook";

/** The implementations, by operation. */
export function webhookOperations({
  webhooks,
  authorizer,
}: {
  readonly webhooks: Webhooks;
  readonly authorizer: Authorizer;
}): Readonly<Record<Names, Implementation>> {
  const reply = (status: number, webhook: Webhook, principal: Principal): OperationReply => {
    const { revision } = webhook.metadata;
    return { kind: "json", status, body: viewWebhook(webhook, principal, authorizer), revision };
  };
  return {
    async listWebhooks(request) {
      const labels = text(request, "labels");
      const wanted = Object.entries(labels === undefined ? {} : parseLabels(labels));
      const items = (await webhooks.list())
        .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels[label] === value))
        .map((webhook) => viewWebhook(webhook, request.principal, authorizer));
      return { kind: "json", status: 200, body: pageOf(items, request) };
    },

    async createWebhook({ body, principal }) {
      return reply(201, await webhooks.create(parseWebhook(body)), principal);
    },

    async getWebhook(request) {
      const name = pathValue(request, "name");
      const webhook = isName(name) ? await webhooks.get(name) : undefined;
      if (webhook === undefined) throw notFound("webhook", name);
      return reply(200, webhook, request.principal);
    },

    async putWebhook(request) {
      const draft = parseWebhook(request.body, { name: pathValue(request, "name") });
      const { webhook, isNew } = await webhooks.put(draft, revisionOf(request.ifMatch));
      return reply(isNew ? 201 : 200, webhook, request.principal);
    },

    async deleteWebhook(request) {
      const name = pathValue(request, "name");
      const webhook = isName(name) ? await webhooks.delete(name, revisionOf(request.ifMatch)) : undefined;
      if (webhook === undefined) throw notFound("webhook", name);
      return reply(200, webhook, request.principal);
    },
  };
}

function revisionOf(ifMatch: string | undefined): string | undefined {
  return ifMatch === "*" ? undefined : ifMatch;
}

/** The path of an address often is its credential (Slack's are): only those who could write it see it. */
function viewWebhook(webhook: Webhook, principal: Principal, authorizer: Authorizer): Webhook {
  if (authorizer.allows(principal, "webhooks:write")) return webhook;
  const origin = URL.parse(webhook.spec.url)?.origin ?? "";
  return { ...webhook, spec: { ...webhook.spec, url: `${origin}/${hiddenValue}` } };
}
