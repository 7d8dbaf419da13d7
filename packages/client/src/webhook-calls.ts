/** The client's methods for webhooks, and for what could not be delivered to them. */
import type { DeadLetter, DeadLetterCount, List, Webhook, WebhookInput } from "@mcp-manager/api";
import type { CallOptions, Connection } from "./connection.ts";
import { queryOf } from "./connection.ts";
import type { LabelledListQuery, ListQuery } from "./lists.ts";
import { allOf, listOf } from "./lists.ts";

/** Only when nobody changed it since. */
export interface IfRevisionOptions extends CallOptions {
  /** `metadata.revision` that was read: `conflict` when it moved on since. Default: whatever is there is meant. */
  readonly ifRevision?: string;
}

/** Of which webhook. */
export interface OfWebhookOptions extends CallOptions {
  /** Only dead letters of this webhook. Default: all. */
  readonly webhook?: string;
}

/** A page of dead letters. */
export interface DeadLetterQuery extends ListQuery, OfWebhookOptions {}

const webhooksPath = "/api/v1/webhooks";
const deadLettersPath = "/api/v1/dead-letters";

/** Addresses to which what happens is sent. No answer holds a secret. */
export class WebhookCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: LabelledListQuery = {}): Promise<List<Webhook>> {
    return listOf(this.#connection, webhooksPath, query);
  }

  /** Every webhook, page by page. */
  all(query: LabelledListQuery = {}): AsyncGenerator<Webhook, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  /** `already_exists` when there is one of that name. */
  create(webhook: WebhookInput, options: CallOptions = {}): Promise<Webhook> {
    return this.#connection.json({ method: "POST", path: webhooksPath, body: webhook, ...options });
  }

  get(name: string, options: CallOptions = {}): Promise<Webhook> {
    return this.#connection.json({ method: "GET", path: webhookPath(name), ...options });
  }

  /** Makes or changes the webhook of that name; a secret that is left out stays as it is. */
  apply(webhook: WebhookInput, options: IfRevisionOptions = {}): Promise<Webhook> {
    const { ifRevision, ...rest } = options;
    const path = webhookPath(webhook.metadata.name);
    return this.#connection.json({ method: "PUT", path, body: webhook, ...ifMatch(ifRevision), ...rest });
  }

  /** Stops sending, at once. */
  delete(name: string, options: IfRevisionOptions = {}): Promise<Webhook> {
    const { ifRevision, ...rest } = options;
    return this.#connection.json({ method: "DELETE", path: webhookPath(name), ...ifMatch(ifRevision), ...rest });
  }
}

/** Events that could not be delivered. */
export class DeadLetterCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One page, newest first. */
  list(query: DeadLetterQuery = {}): Promise<List<DeadLetter>> {
    const { limit, cursor, webhook, ...call } = query;
    const path = deadLettersPath + queryOf({ limit, cursor, webhook });
    return this.#connection.json({ method: "GET", path, ...call });
  }

  /** Every dead letter, page by page. */
  all(query: DeadLetterQuery = {}): AsyncGenerator<DeadLetter, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  /** Deletes all, or those of one webhook. */
  purge(options: OfWebhookOptions = {}): Promise<DeadLetterCount> {
    const { webhook, ...rest } = options;
    return this.#connection.json({ method: "DELETE", path: deadLettersPath + queryOf({ webhook }), ...rest });
  }

  /** Begins to deliver all, or those of one webhook, once more: the answer does not wait for them. */
  replayAll(options: OfWebhookOptions = {}): Promise<DeadLetterCount> {
    const { webhook, ...rest } = options;
    const path = `${deadLettersPath}/replay${queryOf({ webhook })}`;
    return this.#connection.json({ method: "POST", path, body: {}, ...rest });
  }

  get(name: string, options: CallOptions = {}): Promise<DeadLetter> {
    return this.#connection.json({ method: "GET", path: deadLetterPath(name), ...options });
  }

  delete(name: string, options: CallOptions = {}): Promise<DeadLetter> {
    return this.#connection.json({ method: "DELETE", path: deadLetterPath(name), ...options });
  }

  /** Delivers it once more, now; rejects with the reason when that fails again. */
  replay(name: string, options: CallOptions = {}): Promise<DeadLetter> {
    return this.#connection.json({ method: "POST", path: `${deadLetterPath(name)}/replay`, body: {}, ...options });
  }
}

function webhookPath(name: string): string {
  return `${webhooksPath}/${encodeURIComponent(name)}`;
}

function deadLetterPath(name: string): string {
  return `${deadLettersPath}/${encodeURIComponent(name)}`;
}

function ifMatch(revision: string | undefined): { readonly headers?: Readonly<Record<string, string>> } {
  return revision === undefined ? {} : { headers: { "if-match": `"${revision}"` } };
}
