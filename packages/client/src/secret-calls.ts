/** Calls about secrets. Values go one way: none is ever answered. */
import type { List, Secret, SecretInput } from "@mcp-manager/api";
import type { CallOptions, Connection } from "./connection.ts";
import { queryOf } from "./connection.ts";
import type { LabelledListQuery } from "./lists.ts";
import { allOf, listOf } from "./lists.ts";

/** Secrets, without their values. */
export class SecretCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** One page, by name. */
  list(query: LabelledListQuery = {}): Promise<List<Secret>> {
    return listOf(this.#connection, "/api/v1/secrets", query);
  }

  /** Every secret, page by page. */
  all(query: LabelledListQuery = {}): AsyncGenerator<Secret, void, undefined> {
    return allOf((page) => this.list({ ...query, ...page }));
  }

  /** `already_exists` when there is one of that name. */
  create(secret: SecretInput, options: CallOptions = {}): Promise<Secret> {
    return this.#connection.json({ method: "POST", path: "/api/v1/secrets", body: secret, ...options });
  }

  /** `not_found` when there is none. */
  get(name: string, options: CallOptions = {}): Promise<Secret> {
    return this.#connection.json({ method: "GET", path: secretPath(name), ...options });
  }

  /** Keeps it, or gives it another value, which servers take at their next start. `ifRevision`: `conflict` when it moved on. */
  put(secret: SecretInput, options: CallOptions & { readonly ifRevision?: string } = {}): Promise<Secret> {
    const { ifRevision, ...rest } = options;
    const headers = ifRevision === undefined ? {} : { headers: { "if-match": `"${ifRevision}"` } };
    const path = secretPath(secret.metadata.name);
    return this.#connection.json({ method: "PUT", path, body: secret, ...headers, ...rest });
  }

  /** Forgets it; `failed_precondition` while somebody uses it, unless by force. */
  delete(name: string, options: CallOptions & { readonly force?: boolean } = {}): Promise<Secret> {
    const { force, ...rest } = options;
    return this.#connection.json({ method: "DELETE", path: secretPath(name) + queryOf({ force }), ...rest });
  }
}

function secretPath(name: string): string {
  return `/api/v1/secrets/${encodeURIComponent(name)}`;
}
