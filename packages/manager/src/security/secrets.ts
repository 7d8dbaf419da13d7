/**
 * Secrets as resources: keeps their values sealed beside them, where no API shows them, and opens one only for a server that is being
 * started. The seal is AES-256-GCM under `<data>/secrets.key`, bound to the place of the secret in the store: its cluster and name.
 * Nothing is cached: what is opened is what is stored now.
 */
import type { Secret, SecretDraft } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Stored } from "../registry/codec.ts";
import { kinds } from "../registry/kinds.ts";
import type { Registry } from "../registry/registry.ts";
import type { ResourceStore } from "../registry/resource-store.ts";
import type { Draft } from "../registry/transaction.ts";
import { conflictError } from "../registry/transaction.ts";
import type { KeyFile, Sealer } from "./seal.ts";
import { createSealer, loadSealKeys } from "./seal.ts";

const secretKeys: KeyFile = {
  name: "secrets.key",
  remedy: "restore it; without it every secret has to be set again (delete it then, and a new one is made)",
};

/** Compares lost in a row before a write gives up; each loss means that another writer won. */
const attemptsMax = 16;

/** What lies beside the resource: the value sealed, with the id of the key that it is sealed under. */
interface PrivatePart {
  readonly sealed: string;
}

/** What became of a secret that was put. */
export interface PutSecret {
  readonly secret: Secret;
  readonly outcome: "created" | "changed" | "unchanged";
}

/** Seals under the keys of the data directory; the first of the file seals, those after it open what was sealed before. */
export async function loadSecretSealer(dataDir: string, clock: Clock, random: Random): Promise<Sealer> {
  return createSealer(await loadSealKeys(dataDir, random, secretKeys), clock, random);
}

export class Secrets {
  readonly #registry: Registry;
  readonly #resources: ResourceStore<Secret>;
  readonly #sealer: Sealer;

  constructor(registry: Registry, sealer: Sealer) {
    this.#registry = registry;
    this.#resources = registry.resources(kinds.Secret);
    this.#sealer = sealer;
  }

  /** All, in the order of their names. */
  async list(): Promise<readonly Secret[]> {
    return (await this.#resources.list({ limit: Number.MAX_SAFE_INTEGER })).items;
  }

  /** Undefined when unknown. */
  get(name: string): Promise<Secret | undefined> {
    return this.#resources.get(name);
  }

  /** The value; undefined when there is no such secret. Rejects with `failed_precondition` when no key here opens it. */
  async open(name: string): Promise<string | undefined> {
    const beside = await this.#resources.readPrivate(name);
    if (beside === undefined) return undefined;
    const opened = isPrivatePart(beside) ? this.#sealer.open(this.#context(name), beside.sealed) : undefined;
    if (typeof opened === "string") return Buffer.from(opened, "base64").toString();
    const message = `the secret ${name} was sealed under a key that is not in ${secretKeys.name} of the data directory`;
    const remedy = `restore that file, or set it again: mcp-manager secret set ${name}`;
    throw new ManagerError("failed_precondition", `${message}: ${remedy}`, { reason: "SECRET_NOT_OPENED" });
  }

  /** Rejects with `already_exists`. */
  create(draft: SecretDraft): Promise<Secret> {
    return this.#resources.create(this.#draft(draft));
  }

  /** Makes it so. `expected` is what it must be at: a revision, or `*` for any; `conflict` when it is not. */
  async put(draft: SecretDraft, expected?: string): Promise<PutSecret> {
    const { name, labels, value } = draft;
    const labelled = labels === undefined ? {} : { labels };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const stored = await this.#resources.read(name);
      demandRevision(name, stored, expected);
      const transaction = this.#registry.transaction();
      if (stored === undefined) {
        transaction.create(kinds.Secret, this.#draft(draft));
      } else {
        const isSame = await this.holds(name, value);
        const beside = isSame ? {} : { private: this.#seal(name, value) };
        const after = transaction.replace(kinds.Secret, stored, { spec: {}, ...labelled, ...beside });
        if (after === stored.resource) return { secret: after, outcome: "unchanged" };
      }
      if ((await transaction.commit()).kind === "conflict") continue;
      return { secret: await this.#resources.require(name), outcome: stored === undefined ? "created" : "changed" };
    }
    throw conflictError("Secret", name, await this.get(name));
  }

  /** Whether it has just this value; false when there is none of that name, or it cannot be opened. */
  async holds(name: string, value: string): Promise<boolean> {
    return (await this.open(name).catch(() => undefined)) === value;
  }

  /** Forgets it; undefined when unknown. `ifRevision` as for registry resources. */
  delete(name: string, options: { readonly ifRevision?: string } = {}): Promise<Secret | undefined> {
    return this.#resources.delete(name, options);
  }

  #draft({ name, labels = {}, value }: SecretDraft): Draft<Secret> {
    return { name, labels, spec: {}, private: this.#seal(name, value) };
  }

  #seal(name: string, value: string): PrivatePart {
    // In base64, because as JSON some characters take six, and a sealed text has a longest length.
    const payload = Buffer.from(value).toString("base64");
    return { sealed: this.#sealer.seal(this.#context(name), payload, Number.POSITIVE_INFINITY) };
  }

  /** Where it lies in the store, which names the cluster, the kind and the secret. */
  #context(name: string): string {
    return this.#registry.keys.part(kinds.Secret.plural, name, "private");
  }
}

function demandRevision(name: string, stored: Stored<Secret> | undefined, expected: string | undefined): void {
  if (expected === undefined || (expected === "*" && stored !== undefined)) return;
  if (stored?.resource.metadata.revision !== expected) throw conflictError("Secret", name, stored?.resource);
}

function isPrivatePart(value: unknown): value is PrivatePart {
  return typeof value === "object" && value !== null && "sealed" in value && typeof value.sealed === "string";
}
