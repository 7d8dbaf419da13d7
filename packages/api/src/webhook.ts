/**
 * The Webhook resource: an address to which what happens is sent. Its secret, when it is no reference, is kept beside the resource and
 * shown to nobody; reads have `(hidden)` in its place.
 */
import type { MetadataInput, Resource } from "./resource.ts";

/** What of an event is sent: the event's own JSON, or a message as Slack's incoming webhooks take it. */
export type WebhookTemplate = "raw" | "slack";

/** Where to send what. */
export interface WebhookSpec {
  /** `https:`, or `http:` to what the setting `egress.allow` names. */
  readonly url: string;
  /** Patterns of topics; `*` is one word, `#` any number of them. */
  readonly topics: readonly string[];
  /** `(hidden)`, or the reference `${secret:name}`; absent where nothing is signed. */
  readonly secret?: string;
  readonly template: WebhookTemplate;
  /** False: nothing is sent until it is true again. */
  readonly enabled: boolean;
}

/** How deliveries go. */
export interface WebhookStatus {
  /** `failing`: the last attempt failed. `paused`: it is not enabled, or its endpoint answered 410 (Gone). */
  readonly state: "active" | "failing" | "paused";
  readonly lastDelivery?: {
    /** RFC 3339. */
    readonly at: string;
    /** HTTP status of the answer. */
    readonly status: number;
    readonly durationMs: number;
  };
  readonly lastFailure?: {
    /** RFC 3339. */
    readonly at: string;
    /** What happened and what to do, without secrets. */
    readonly message: string;
  };
  /** Events that were read and are neither delivered nor given up. */
  readonly pending: number;
  /** Those of its events that are among the dead letters. */
  readonly deadLetters: number;
  /** Store revision, in decimal: everything up to it was delivered or is among the dead letters. */
  readonly position?: string;
  /** The generation whose endpoint answered 410: it stays paused until its spec is another. */
  readonly goneGeneration?: number;
}

export type Webhook = Resource<"Webhook", WebhookSpec, WebhookStatus>;

/** A Webhook as a person writes it. */
export interface WebhookInput {
  readonly kind?: "Webhook";
  readonly metadata: MetadataInput;
  readonly spec: {
    readonly url: string;
    /** Default: everything. */
    readonly topics?: readonly string[];
    /** 16 to 256 characters, or `${secret:name}`. Absent or `(hidden)`: the one that it has. Without one only Slack's template goes. */
    readonly secret?: string;
    /** Default: `raw`. */
    readonly template?: WebhookTemplate;
    /** Default: true. */
    readonly enabled?: boolean;
  };
  readonly status?: unknown;
}

/** A checked Webhook on its way into the registry; its secret is still in it. */
export interface WebhookDraft {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: WebhookSpec;
}

/** The status of a webhook that nothing was sent to. */
export const pendingWebhookStatus: WebhookStatus = { state: "active", pending: 0, deadLetters: 0 };
