/** What can be asked of webhooks and of what could not be delivered, as rows of the table of operations. Source: resources.md, "REST". */
import { name, page } from "./deployment-operations.ts";
import type { Answer, Operation, Parameter } from "./operation.ts";
import { etag, ifMatch, labels } from "./parameters.ts";
import { listSchema } from "./schema/common.ts";
import { emptyRequestSchema } from "./schema/deploy.ts";
import { deadLetterCountSchema, deadLetterSchema, webhookInputSchema, webhookSchema } from "./schema/webhook.ts";

/** The operations under `/api/v1/webhooks` and `/api/v1/dead-letters`. */
export type WebhookOperationName =
  | "listWebhooks"
  | "createWebhook"
  | "getWebhook"
  | "putWebhook"
  | "deleteWebhook"
  | "listDeadLetters"
  | "purgeDeadLetters"
  | "replayDeadLetters"
  | "getDeadLetter"
  | "deleteDeadLetter"
  | "replayDeadLetter";

const ofWebhook: Parameter = {
  name: "webhook",
  in: "query",
  type: "string",
  summary: "Only those of this webhook. Default: all.",
};

const webhook: Answer = {
  status: 200,
  summary: "The Webhook, without its secret.",
  schema: webhookSchema,
  headers: etag,
};

const deadLetter: Answer = { status: 200, summary: "The DeadLetter.", schema: deadLetterSchema };

/** The operations, by name. */
export const webhookOperations: Readonly<Record<WebhookOperationName, Operation>> = {
  listWebhooks: {
    method: "GET",
    path: "/api/v1/webhooks",
    summary: "List the webhooks, by name, without their secrets.",
    parameters: [...page, labels],
    answers: [{ status: 200, summary: "A page of Webhooks.", schema: listSchema(webhookSchema) }],
    permission: "webhooks:read",
    errors: [],
    cli: "webhook list",
  },
  createWebhook: {
    method: "POST",
    path: "/api/v1/webhooks",
    summary: "Have what happens sent to an address, from now on.",
    parameters: [],
    body: webhookInputSchema,
    answers: [{ ...webhook, status: 201, summary: "The new Webhook, without its secret." }],
    permission: "webhooks:write",
    errors: ["already_exists", "resource_exhausted"],
    cli: "webhook create",
  },
  getWebhook: {
    method: "GET",
    path: "/api/v1/webhooks/{name}",
    summary: "Read a webhook: where what is sent, and how that goes.",
    parameters: [name],
    answers: [webhook],
    permission: "webhooks:read",
    errors: ["not_found"],
    cli: "webhook get",
  },
  putWebhook: {
    method: "PUT",
    path: "/api/v1/webhooks/{name}",
    summary: "Make or change a webhook. A secret that is left out stays as it is.",
    parameters: [name, ifMatch],
    body: webhookInputSchema,
    answers: [
      { ...webhook, summary: "The Webhook, changed or as it was." },
      { ...webhook, status: 201, summary: "The new Webhook." },
    ],
    permission: "webhooks:write",
    errors: ["conflict", "resource_exhausted"],
    cli: "webhook apply",
  },
  deleteWebhook: {
    method: "DELETE",
    path: "/api/v1/webhooks/{name}",
    summary: "Stop sending, at once. Its dead letters stay.",
    parameters: [name, ifMatch],
    answers: [{ ...webhook, summary: "The Webhook as it was." }],
    permission: "webhooks:write",
    errors: ["not_found", "conflict"],
    cli: "webhook delete",
  },
  listDeadLetters: {
    method: "GET",
    path: "/api/v1/dead-letters",
    summary: "List what could not be delivered, newest first.",
    parameters: [...page, ofWebhook],
    answers: [{ status: 200, summary: "A page of DeadLetters.", schema: listSchema(deadLetterSchema) }],
    permission: "webhooks:read",
    errors: [],
    cli: "dead-letter list",
  },
  purgeDeadLetters: {
    method: "DELETE",
    path: "/api/v1/dead-letters",
    summary: "Delete all dead letters, or those of one webhook.",
    parameters: [ofWebhook],
    answers: [{ status: 200, summary: "How many were deleted.", schema: deadLetterCountSchema }],
    permission: "webhooks:write",
    errors: [],
    cli: "dead-letter purge",
  },
  replayDeadLetters: {
    method: "POST",
    path: "/api/v1/dead-letters/replay",
    summary: "Try to deliver all dead letters once more, or those of one webhook. What fails again stays.",
    parameters: [ofWebhook],
    body: emptyRequestSchema,
    bodyOptional: true,
    answers: [{ status: 202, summary: "How many are being tried.", schema: deadLetterCountSchema }],
    permission: "webhooks:write",
    errors: [],
  },
  getDeadLetter: {
    method: "GET",
    path: "/api/v1/dead-letters/{name}",
    summary: "Read a dead letter: the event, and why it could not be delivered.",
    parameters: [name],
    answers: [deadLetter],
    permission: "webhooks:read",
    errors: ["not_found"],
    cli: "dead-letter get",
  },
  deleteDeadLetter: {
    method: "DELETE",
    path: "/api/v1/dead-letters/{name}",
    summary: "Give an event up for good.",
    parameters: [name],
    answers: [{ ...deadLetter, summary: "The DeadLetter as it was." }],
    permission: "webhooks:write",
    errors: ["not_found"],
    cli: "dead-letter delete",
  },
  replayDeadLetter: {
    method: "POST",
    path: "/api/v1/dead-letters/{name}/replay",
    summary: "Try to deliver it once more, now. Delivered, it is gone; else it stays, and the error says why.",
    parameters: [name],
    body: emptyRequestSchema,
    bodyOptional: true,
    answers: [{ ...deadLetter, summary: "The DeadLetter as it was; it was delivered." }],
    permission: "webhooks:write",
    errors: ["not_found", "failed_precondition"],
    cli: "dead-letter replay",
  },
};
