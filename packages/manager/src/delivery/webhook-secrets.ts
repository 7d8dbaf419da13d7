/**
 * The secrets by which deliveries are signed. What a person wrote is sealed and lies beside the resource, where no API looks; a
 * reference stays in the resource and is looked up for each attempt, so that a rotated secret is used at once.
 */
import type { Webhook } from "@mcp-manager/api";
import { findReferences, hiddenValue, isSigningSecret, ManagerError, signingSecretRule } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import type { Sealer } from "../security/seal.ts";

export interface WebhookSecretsOptions {
  readonly registry: Registry;
  readonly sealer: Sealer;
  /** A text with its references to secrets replaced. Rejects with ManagerError when one is not there. */
  readonly resolveSecret: (text: string) => Promise<string>;
}

/** What lies beside the resource. */
interface PrivatePart {
  readonly sealed: string;
}

export class WebhookSecrets {
  readonly #resources: ResourceStore<Webhook>;
  readonly #sealer: Sealer;
  readonly #resolveSecret: WebhookSecretsOptions["resolveSecret"];

  constructor({ registry, sealer, resolveSecret }: WebhookSecretsOptions) {
    this.#resources = registry.resources(kinds.Webhook);
    this.#sealer = sealer;
    this.#resolveSecret = resolveSecret;
  }

  /** What to sign with; undefined where nothing is signed. Rejects with ManagerError when it cannot be had. */
  async of(webhook: Webhook): Promise<string | undefined> {
    const { name } = webhook.metadata;
    const { secret } = webhook.spec;
    if (secret === undefined) return undefined;
    if (secret !== hiddenValue) return demandSigning(name, secret, await this.#resolveSecret(secret));
    const text = this.#opened(name, await this.#resources.readPrivate(name));
    if (text !== undefined) return text;
    throw new ManagerError("failed_precondition", `the secret of webhook ${name} cannot be read: write it again`);
  }

  /** What is kept of a secret: in the resource, and beside it. */
  kept(name: string, secret: string): { readonly shown: string; readonly private?: unknown } {
    if (findReferences(secret).length > 0) return { shown: secret };
    const sealed: PrivatePart = { sealed: this.#sealer.seal(context(name), secret, Number.POSITIVE_INFINITY) };
    return { shown: hiddenValue, private: sealed };
  }

  /** Whether it is the one that is kept. */
  async isKept(name: string, secret: string): Promise<boolean> {
    return this.#opened(name, await this.#resources.readPrivate(name)) === secret;
  }

  #opened(name: string, part: unknown): string | undefined {
    if (typeof part !== "object" || part === null || !("sealed" in part) || typeof part.sealed !== "string")
      return undefined;
    const text = this.#sealer.open(context(name), part.sealed);
    return typeof text === "string" ? text : undefined;
  }
}

/** A referred one can be anything, and can have become something else since: an empty key would sign for everybody. */
function demandSigning(webhook: string, reference: string, text: string): string {
  if (isSigningSecret(text)) return text;
  const message = `what webhook ${webhook} is to be signed with (${reference}) is no secret to sign with`;
  throw new ManagerError("failed_precondition", `${message}: set it to ${signingSecretRule}`);
}

/** What a sealed secret is bound to: another webhook's is none of its. */
function context(name: string): string {
  return `webhook-secret/${name}`;
}
