/** Webhooks as people make, change and read them: their addresses are judged, their secrets go where nobody reads them. It sends nothing. */
import type { Webhook, WebhookDraft, WebhookSpec } from "@mcp-manager/api";
import { hiddenValue, invalidFields, ManagerError } from "@mcp-manager/api";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Delivery } from "./delivery.ts";
import type { EgressGuard } from "./egress/guard.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";

export interface WebhookWritesOptions {
  readonly registry: Registry;
  readonly guard: EgressGuard;
  readonly secrets: WebhookSecrets;
  readonly delivery: Delivery;
  readonly deadLetters: DeadLetters;
}

/** Each has a queue and reads every event that it wants. */
const webhooksMax = 100;

/** What a write asks for. */
interface Wanted {
  readonly spec: WebhookSpec;
  /** Beside the resource; absent: what is there stays. */
  readonly private?: unknown;
}

export class WebhookWrites {
  readonly #options: WebhookWritesOptions;
  readonly #resources: ResourceStore<Webhook>;

  constructor(options: WebhookWritesOptions) {
    this.#options = options;
    this.#resources = options.registry.resources(kinds.Webhook);
  }

  /** All, in the order of their names, as they are at this moment. */
  async list(): Promise<readonly Webhook[]> {
    const found: Webhook[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#resources.list(cursor === undefined ? {} : { cursor });
      found.push(...page.items.map((webhook) => this.#live(webhook)));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  /** Undefined when unknown. */
  async get(name: string): Promise<Webhook | undefined> {
    const webhook = await this.#resources.get(name);
    return webhook === undefined ? undefined : this.#live(webhook);
  }

  /**
   * `already_exists`; `invalid_argument` for an address that the guard refuses, or without a secret; `resource_exhausted` when there are
   * a hundred.
   */
  async create(draft: WebhookDraft): Promise<Webhook> {
    const { name, labels } = draft;
    this.#judge(draft);
    const { items } = await this.#resources.list({ limit: webhooksMax });
    if (items.length >= webhooksMax)
      throw new ManagerError(
        "resource_exhausted",
        `there are ${items.length} webhooks, and no more are kept: delete one`,
      );
    return await this.#resources.create({ name, labels, ...(await this.#wanted(draft, undefined)) });
  }

  /** Makes or changes it. `ifRevision` is the revision that was read: `conflict` when it moved on. */
  async put(
    draft: WebhookDraft,
    ifRevision: string | undefined,
  ): Promise<{ readonly webhook: Webhook; readonly isNew: boolean }> {
    this.#judge(draft);
    const { name, labels } = draft;
    const current = await this.#resources.get(name);
    if (current === undefined) {
      if (ifRevision !== undefined)
        throw new ManagerError("conflict", `webhook ${name} is gone: send it without If-Match to make it anew`);
      return { webhook: await this.create(draft), isNew: true };
    }
    const { revision } = current.metadata;
    const change = { labels, ...(await this.#wanted(draft, current)) };
    const webhook = await this.#resources.replace(name, change, { ifRevision: ifRevision ?? revision });
    return { webhook: this.#live(webhook), isNew: false };
  }

  /** The webhook as it was; undefined when unknown. */
  async delete(name: string, ifRevision: string | undefined): Promise<Webhook | undefined> {
    const current = await this.get(name);
    if (current === undefined) return undefined;
    await this.#resources.delete(name, ifRevision === undefined ? {} : { ifRevision });
    return current;
  }

  #judge({ name, spec }: WebhookDraft): void {
    const url = URL.parse(spec.url);
    const objection = url === null ? "it is no address" : this.#options.guard.objection(url);
    if (objection === undefined) return;
    throw invalidFields(`webhook ${name}`, [{ path: "spec.url", given: "text (not shown)", expected: objection }]);
  }

  async #wanted({ name, spec }: WebhookDraft, current: Webhook | undefined): Promise<Wanted> {
    const { secret: given, ...rest } = spec;
    if (given === undefined || given === hiddenValue) return { spec: this.#withOldSecret(name, rest, current, given) };
    const { secrets } = this.#options;
    const isSame = current?.spec.secret === hiddenValue && (await secrets.isKept(name, given));
    if (isSame) return { spec: { ...rest, secret: hiddenValue } };
    const { shown, private: beside } = secrets.kept(name, given);
    return { spec: { ...rest, secret: shown }, ...(beside === undefined ? {} : { private: beside }) };
  }

  /** Slack's endpoints look at no signature; anything else goes out signed. */
  #withOldSecret(
    name: string,
    spec: Omit<WebhookSpec, "secret">,
    current: Webhook | undefined,
    given: string | undefined,
  ): WebhookSpec {
    const secret = current?.spec.secret;
    if (secret !== undefined) return { ...spec, secret };
    if (given === undefined && spec.template === "slack") return spec;
    throw invalidFields(`webhook ${name}`, [
      {
        path: "spec.secret",
        given: given === undefined ? "nothing" : "text (not shown)",
        expected: "a secret, since it has none yet: 16 to 256 characters, or ${secret:name}",
      },
    ]);
  }

  #live(webhook: Webhook): Webhook {
    const { delivery, deadLetters } = this.#options;
    const { name } = webhook.metadata;
    const status = webhook.spec.enabled ? (delivery.live(name) ?? webhook.status) : webhook.status;
    return { ...webhook, status: { ...status, deadLetters: deadLetters.count(name) } };
  }
}
