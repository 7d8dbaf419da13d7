/**
 * The Secret resource: a value that servers are started with and that nobody reads again. It is written by `spec.value` and referenced as
 * `${secret:name}`; what is answered says who uses it, never what it is.
 */
import type { MetadataInput, Resource } from "./resource.ts";

/** Nothing is answered of what was written. */
export type SecretSpec = Readonly<Record<string, never>>;

/** Who uses a secret. Found out when it is asked for, never stored. */
export interface SecretStatus {
  /** `server weather`: its spec, or a revision that still runs, has a reference to the secret. By name. */
  readonly usedBy: readonly string[];
}

export type Secret = Resource<"Secret", SecretSpec, SecretStatus>;

/** A Secret as a person writes it. `value`: 1 to 65,536 bytes of UTF-8. */
export interface SecretInput {
  readonly kind?: "Secret";
  readonly metadata: MetadataInput;
  readonly spec: { readonly value: string };
  readonly status?: unknown;
}

/** A checked Secret on its way into the registry. Holds the value: never log one. */
export interface SecretDraft {
  readonly name: string;
  /** Default: those that it has. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: string;
}
