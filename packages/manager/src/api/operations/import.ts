/**
 * The import of a client's configuration: each of its servers is registered, or refused by itself with what to do; its literal secrets are
 * kept as Secrets before the server that needs them is there. Reading the file is another room's, behind a port.
 */
import type {
  ImportAnswer,
  ImportedSecret,
  ImportedServer,
  Principal,
  ServerDraft,
  ServerSource,
} from "@mcp-manager/api";
import { legalName, ManagerError, secretNames } from "@mcp-manager/api";
import { kinds } from "../../registry/kinds.ts";
import type { Registry } from "../../registry/registry.ts";
import { sameJson } from "../../registry/transaction.ts";
import type { LiftedSecret } from "../../security/literal-secrets.ts";
import { liftSecrets } from "../../security/literal-secrets.ts";
import type { Secrets } from "../../security/secrets.ts";
import type { Authorizer, ImportableServer, ReadImport } from "../ports.ts";
import type { Implementation } from "../request.ts";
import { demand, flag } from "../request.ts";
import { importSource } from "./import-source.ts";
import { ImportedSecrets } from "./imported-secrets.ts";
import { demandSource } from "./source-rights.ts";
import type { ServerWrites } from "./server-writes.ts";

export interface ImportOptions {
  readonly registry: Registry;
  readonly writes: ServerWrites;
  readonly secrets: Secrets;
  readonly authorizer: Authorizer;
  readonly readImport: ReadImport;
}

/** How this import is to be done. */
interface How {
  readonly principal: Principal;
  readonly dryRun: boolean;
  readonly replace: boolean;
}

/** A server on its way in, with the secrets that were taken out of it. */
interface Entry {
  readonly draft: ServerDraft;
  readonly secrets: readonly LiftedSecret[];
  readonly notes: readonly string[];
}

/** The implementation. */
export function importOperation(options: ImportOptions): Implementation {
  return async (request) => {
    const { text, filename } = importSource(request.body);
    const { servers, notes } = options.readImport(text, filename);
    const how = { principal: request.principal, dryRun: flag(request, "dryRun"), replace: flag(request, "replace") };
    const run = new Import(options, how);
    for (const server of servers) await run.add(server);
    const body: ImportAnswer = { servers: run.servers, secrets: run.kept, notes };
    return { kind: "json", status: 200, body };
  };
}

class Import {
  readonly servers: ImportedServer[] = [];
  readonly kept: ImportedSecret[] = [];
  readonly #options: ImportOptions;
  readonly #how: How;
  /** Names that this file has given to secrets. */
  readonly #named = new Set<string>();

  constructor(options: ImportOptions, how: How) {
    this.#options = options;
    this.#how = how;
  }

  /** Does one; rejects only when the store is away. */
  async add(server: ImportableServer): Promise<void> {
    const { name } = server;
    try {
      if (server.kind === "wrong") throw server.error;
      const entry = this.#lift(server);
      this.servers.push({ name, ...(await this.#register(entry)) });
      this.kept.push(...entry.secrets.map((secret) => ({ name: secret.name, server: name, field: secret.field })));
    } catch (error) {
      const { code, message, fields } = refusalOr(error);
      const shown = { code, message, ...(fields.length === 0 ? {} : { fields }) };
      this.servers.push({ name, outcome: "refused", error: shown });
    }
  }

  #lift({ name, draft, notes }: Extract<ImportableServer, { readonly kind: "read" }>): Entry {
    const lifted = liftSecrets(draft.spec.source, (variable) => {
      const free = legalName(`${name}-${variable}`, this.#named);
      this.#named.add(free);
      return free;
    });
    const without = { ...draft, spec: { ...draft.spec, source: lifted.source } };
    return { draft: without, secrets: lifted.secrets, notes: [...notes, ...lifted.notes] };
  }

  async #register({ draft, secrets, notes }: Entry): Promise<Omit<ImportedServer, "name">> {
    const { registry, writes } = this.#options;
    const { dryRun, replace } = this.#how;
    const current = await registry.resources(kinds.Server).get(draft.name);
    this.#demand(draft, secrets, current?.spec.source);
    if (!replace && current !== undefined && !sameJson(current.spec, draft.spec)) throw differs(draft.name);
    const keeping = new ImportedSecrets(this.#options, draft.name, secrets, this.#how);
    await keeping.check();
    // Labels are given here, by people; a client's file knows none.
    const wanted = { ...draft, labels: current?.metadata.labels ?? draft.labels };
    // First of all without a trace: a secret that got another value does not get its old one back.
    if (!dryRun && secrets.length > 0) await writes.apply(wanted, { dryRun: true });
    if (!dryRun) await keeping.keep();
    const applied = await writes.apply(wanted, { dryRun }).catch(async (error: unknown) => {
      await keeping.undo();
      throw error;
    });
    const isChanged = applied.outcome === "unchanged" && keeping.changed.length > 0;
    const all = [...notes, ...(await this.#missing(draft, secrets)), ...(isChanged ? [restartNote(draft.name)] : [])];
    return {
      outcome: isChanged ? "changed" : applied.outcome,
      ...(applied.deployment === undefined ? {} : { deployment: applied.deployment }),
      ...(all.length === 0 ? {} : { notes: all }),
    };
  }

  #demand({ name, spec: { source } }: ServerDraft, secrets: readonly LiftedSecret[], current?: ServerSource): void {
    const { authorizer } = this.#options;
    const { principal } = this.#how;
    demandSource(authorizer, principal, { server: name, source, current });
    if (secrets.length > 0) demand(authorizer, principal, "secrets:write", `keep the secrets of server "${name}"`);
  }

  /** What the server refers to and nobody has set yet. */
  async #missing({ spec }: ServerDraft, own: readonly LiftedSecret[]): Promise<readonly string[]> {
    const names = secretNames(spec.source).filter((name) => !own.some((secret) => secret.name === name));
    const notes: string[] = [];
    for (const name of names) {
      if ((await this.#options.secrets.get(name)) !== undefined) continue;
      notes.push(`it needs the secret ${name}, which is not set yet: mcp-manager secret set ${name}`);
    }
    return notes;
  }
}

/** Why an entry is refused; what is no fault of its own is thrown on. */
function refusalOr(error: unknown): ManagerError {
  const failure = ManagerError.from(error);
  if (failure.code === "unavailable" || failure.code === "internal") throw failure;
  return failure;
}

function differs(server: string): ManagerError {
  const message = `server "${server}" is registered otherwise: import with replace to change it, or call it otherwise`;
  return new ManagerError("already_exists", message, { server });
}

function restartNote(server: string): string {
  return `it takes its new secrets at its next start: mcp-manager server restart ${server}`;
}
