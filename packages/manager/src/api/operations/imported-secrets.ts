/**
 * The secrets of one imported server on their way into the store: whether they may be kept under their names, and that none stays behind
 * when the server is refused after all.
 */
import { ManagerError } from "@mcp-manager/api";
import type { Registry } from "../../registry/registry.ts";
import type { LiftedSecret } from "../../security/literal-secrets.ts";
import type { Secrets } from "../../security/secrets.ts";
import { secretUsers } from "./secret-users.ts";

export class ImportedSecrets {
  readonly #options: { readonly registry: Registry; readonly secrets: Secrets };
  readonly #server: string;
  readonly #lifted: readonly LiftedSecret[];
  readonly #replace: boolean;
  readonly #created: string[] = [];
  readonly #changed: LiftedSecret[] = [];
  #new: readonly LiftedSecret[] = [];

  constructor(
    options: { readonly registry: Registry; readonly secrets: Secrets },
    server: string,
    lifted: readonly LiftedSecret[],
    { replace }: { readonly replace: boolean },
  ) {
    this.#options = options;
    this.#server = server;
    this.#lifted = lifted;
    this.#replace = replace;
  }

  /** Those that are kept already, with another value. Known after `check`. */
  get changed(): readonly LiftedSecret[] {
    return this.#changed;
  }

  /** Throws `already_exists` when a name is taken by another value and it may not be replaced; changes nothing. */
  async check(): Promise<void> {
    const added: LiftedSecret[] = [];
    for (const secret of this.#lifted) {
      const { name, value } = secret;
      if ((await this.#options.secrets.get(name)) === undefined) added.push(secret);
      else if (!(await this.#options.secrets.holds(name, value))) this.#changed.push(secret);
    }
    this.#new = added;
    if (this.#changed.length > 0) await this.#demandReplaceable();
  }

  /** Keeps them. */
  async keep(): Promise<void> {
    for (const { name, value } of [...this.#new, ...this.#changed]) {
      const { outcome } = await this.#options.secrets.put({ name, value });
      if (outcome === "created") this.#created.push(name);
    }
  }

  /** Forgets those that were not there before. */
  async undo(): Promise<void> {
    for (const name of this.#created) await this.#options.secrets.delete(name);
  }

  /** Not without a word, and never one that others use too: they did not ask for another value. */
  async #demandReplaceable(): Promise<void> {
    const users = await secretUsers(this.#options.registry);
    for (const { name, field } of this.#changed) {
      const others = (users.get(name) ?? []).filter((user) => user !== `server ${this.#server}`);
      const by = others.length === 0 ? "" : `, and ${others.join(", ")} uses it`;
      const remedy =
        others.length === 0 ? "import with replace to change it" : "call the server otherwise, or write a reference";
      if (this.#replace && others.length === 0) continue;
      const message = `${field} would be kept as the secret ${name}, which has another value${by}: ${remedy}`;
      throw new ManagerError("already_exists", message, { server: this.#server });
    }
  }
}
