/** One attempt to deliver one event to one webhook: the body, its signature, the request, and the count of how it ended. */
import type { Event, Webhook } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { PostOutcome } from "./egress/post.ts";
import type { Poster } from "./egress/post.ts";
import { signatureOf } from "./signature.ts";
import { bodyOf } from "./template.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";

/** What is to be delivered. */
export interface Delivery {
  /** The `webhook-id`: the same for every attempt. */
  readonly id: string;
  readonly event: Event;
}

/** How an attempt ended. */
export interface Attempted {
  readonly outcome: PostOutcome;
  readonly durationMs: number;
}

/** Makes attempts. */
export interface Attempts {
  /** Rejects only when `signal` was aborted. */
  attempt(webhook: Webhook, delivery: Delivery, signal: AbortSignal): Promise<Attempted>;
}

export interface SenderOptions {
  readonly poster: Poster;
  readonly secrets: WebhookSecrets;
  readonly clock: Clock;
}

export class Sender implements Attempts {
  readonly #poster: Poster;
  readonly #secrets: WebhookSecrets;
  readonly #clock: Clock;

  constructor({ poster, secrets, clock }: SenderOptions) {
    this.#poster = poster;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  async attempt(webhook: Webhook, delivery: Delivery, signal: AbortSignal): Promise<Attempted> {
    const startMs = this.#clock.nowMs();
    const outcome = await this.#post(webhook, delivery, signal);
    return { outcome, durationMs: Math.round(this.#clock.nowMs() - startMs) };
  }

  async #post(webhook: Webhook, { id, event }: Delivery, signal: AbortSignal): Promise<PostOutcome> {
    const url = URL.parse(webhook.spec.url);
    if (url === null) return { kind: "refused", message: "its url is no address" };
    const secret = await this.#secretOf(webhook);
    if (typeof secret === "object") return secret;
    const body = bodyOf(event, webhook.spec.template);
    const timestamp = Math.floor(this.#clock.wallMs() / 1_000);
    const headers = {
      "content-type": "application/json",
      "user-agent": "mcp-manager",
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
    };
    const ownHeaders: Record<string, string> =
      secret === undefined ? {} : { "webhook-signature": signatureOf(secret, id, timestamp, body) };
    return await this.#poster.post({ url, headers, ownHeaders, body, signal });
  }

  /** A secret that is not there yet may come: that is a failure like another, and nothing is sent unsigned. */
  async #secretOf(webhook: Webhook): Promise<string | undefined | PostOutcome> {
    try {
      return await this.#secrets.of(webhook);
    } catch (error) {
      return { kind: "failed", message: ManagerError.from(error).message };
    }
  }
}
