/**
 * API keys as resources: makes, lists and deletes them in the registry and keeps the table that authenticates in step with it, on
 * every instance. A key's digest lies beside its resource, where no API shows it. On the instance that made or deleted a key the
 * table follows at once, on the others with the next event of the store.
 */
import type { ApiKey, ApiKeyDraft, CreatedApiKey } from "@mcp-manager/api";
import type { Random } from "../base/random.ts";
import { WatchedValue } from "../base/watched.ts";
import type { Watched } from "../base/watched.ts";
import type { Informer, InformerOptions } from "../registry/informer.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import { mintKey } from "./api-key.ts";
import type { KeyEntry, KeyTable } from "./api-key.ts";

export interface StoredKeysOptions {
  readonly registry: Registry;
  readonly random: Random;
  /** The admin key's entry, which is no resource. */
  readonly admin?: KeyEntry;
  /** Hears of trouble with the store; see the informer. */
  readonly onError?: InformerOptions["onError"];
}

/** What lies beside the resource. */
interface PrivatePart {
  readonly id: string;
  /** In base64url. */
  readonly digest: string;
}

interface Known {
  readonly id: string;
  readonly uid: string;
  readonly entry: KeyEntry;
}

/** The keys of the installation. Start it, then hand `table` to the authenticator; its owner disposes of it. */
export class StoredKeys implements AsyncDisposable {
  readonly #resources: ResourceStore<ApiKey>;
  readonly #informer: Informer<ApiKey>;
  readonly #random: Random;
  readonly #admin: KeyEntry | undefined;
  readonly #table: WatchedValue<KeyTable>;
  /** Made here, and not yet heard of from the store; by uid. */
  readonly #made = new Map<string, Known & { readonly revision: bigint }>();
  /** Deleted here, and not yet heard of from the store: revision by uid. */
  readonly #deleted = new Map<string, bigint>();
  #isDirty = false;

  constructor(options: StoredKeysOptions) {
    const { registry, random, admin, onError } = options;
    this.#resources = registry.resources(kinds.ApiKey);
    this.#informer = registry.informer(kinds.ApiKey, onError === undefined ? {} : { onError });
    this.#random = random;
    this.#admin = admin;
    this.#table = new WatchedValue(this.#build());
    this.#informer.onChange(() => this.#rebuildSoon());
  }

  /** Every key that is valid now. Until `start` resolves it holds the admin key alone. */
  get table(): Watched<KeyTable> {
    return this.#table;
  }

  /** Resolves when the stored keys are in the table. */
  async start(): Promise<void> {
    this.#informer.start();
    await this.#informer.synced;
    this.#rebuild();
  }

  /** All, in the order of their names. */
  async list(): Promise<readonly ApiKey[]> {
    const found: ApiKey[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#resources.list(cursor === undefined ? {} : { cursor });
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  /** Undefined when unknown. */
  get(name: string): Promise<ApiKey | undefined> {
    return this.#resources.get(name);
  }

  /** Makes a key that works at once; its text is in the answer and nowhere else. Rejects with `already_exists`. */
  async create(draft: ApiKeyDraft): Promise<CreatedApiKey> {
    const { id, key, digest, hint } = mintKey(this.#random);
    const beside: PrivatePart = { id, digest: digest.toString("base64url") };
    const resource = await this.#resources.create({ ...draft, status: { hint }, private: beside });
    const { uid, revision } = resource.metadata;
    this.#made.set(uid, { id, uid, entry: entryOf(resource, digest), revision: BigInt(revision) });
    this.#rebuild();
    return { ...resource, key };
  }

  /** Refuses the key from now on; undefined when unknown. */
  async delete(name: string): Promise<ApiKey | undefined> {
    const resource = await this.#resources.delete(name);
    if (resource === undefined) return undefined;
    const { uid, revision } = resource.metadata;
    this.#made.delete(uid);
    this.#deleted.set(uid, BigInt(revision));
    this.#rebuild();
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#informer[Symbol.asyncDispose]();
  }

  /** One store revision may change many keys, of which each is told. */
  #rebuildSoon(): void {
    if (this.#isDirty) return;
    this.#isDirty = true;
    queueMicrotask(() => this.#rebuild());
  }

  #rebuild(): void {
    this.#isDirty = false;
    this.#table.replace(this.#build());
  }

  #build(): KeyTable {
    const stored = this.#informer.list().flatMap((resource) => knownOf(resource, this.#informer) ?? []);
    const uids = new Set(stored.map(({ uid }) => uid));
    const at = this.#informer.revision;
    for (const [uid, revision] of this.#deleted) if (at >= revision && !uids.has(uid)) this.#deleted.delete(uid);
    for (const [uid, { revision }] of this.#made) if (at >= revision) this.#made.delete(uid);
    const valid = [...stored, ...this.#made.values()].filter(({ uid }) => !this.#deleted.has(uid));
    const byId = new Map(valid.map(({ id, entry }) => [id, entry]));
    return this.#admin === undefined ? { byId } : { admin: this.#admin, byId };
  }
}

function knownOf(resource: ApiKey, informer: Informer<ApiKey>): Known | undefined {
  const { name, uid, deletedAt } = resource.metadata;
  const beside = informer.private(name);
  if (deletedAt !== undefined || !isPrivatePart(beside)) return undefined;
  return { id: beside.id, uid, entry: entryOf(resource, Buffer.from(beside.digest, "base64url")) };
}

function entryOf({ spec: { principal, roles, expiresAt } }: ApiKey, digest: Buffer): KeyEntry {
  return { principal, roles, digest, ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }) };
}

function isPrivatePart(value: unknown): value is PrivatePart {
  if (typeof value !== "object" || value === null) return false;
  const { id, digest } = value as Partial<PrivatePart>;
  return typeof id === "string" && typeof digest === "string" && Buffer.from(digest, "base64url").length === 32;
}
