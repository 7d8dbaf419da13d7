/**
 * The ApiKey resource: a credential that a program shows. The key itself is in the answer to its creation, this once; what
 * is kept to recognize it is no part of the resource.
 */
import type { MetadataInput, Resource } from "./resource.ts";
import type { RoleName } from "./role.ts";

/** Whom a key stands for, and as what. */
export interface ApiKeySpec {
  /** Default: `key:` and the key's name. */
  readonly principal: string;
  readonly roles: readonly RoleName[];
  /** RFC 3339; the key is refused from then on. Default: never. */
  readonly expiresAt?: string;
}

/** What is known of a key's use. */
export interface ApiKeyStatus {
  /** The first characters, enough to tell keys apart in a list. */
  readonly hint?: string;
}

export type ApiKey = Resource<"ApiKey", ApiKeySpec, ApiKeyStatus>;

/** The answer to creating a key: the resource, and the key. It can't be asked for again. */
export interface CreatedApiKey extends ApiKey {
  readonly key: string;
}

/** An ApiKey as a person writes it. */
export interface ApiKeyInput {
  readonly kind?: "ApiKey";
  readonly metadata: MetadataInput;
  readonly spec: { readonly principal?: string; readonly roles: readonly RoleName[]; readonly expiresAt?: string };
  readonly status?: unknown;
}

/** A checked ApiKey on its way into the registry. */
export interface ApiKeyDraft {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ApiKeySpec;
}
