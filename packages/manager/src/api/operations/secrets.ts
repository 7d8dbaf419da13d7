/** The operations on secrets. A value comes in here and goes to be sealed; none goes out. */
import type { Secret } from "@mcp-manager/api";
import { isName, ManagerError, parseLabels, parseSecret } from "@mcp-manager/api";
import type { Registry } from "../../registry/registry.ts";
import type { Secrets } from "../../security/secrets.ts";
import type { Implementation, OperationReply, OperationRequest } from "../request.ts";
import { flag, notFound, pathValue, text } from "../request.ts";
import { pageOf } from "./page.ts";
import type { SecretUsers } from "./secret-users.ts";
import { secretUsers } from "./secret-users.ts";

type Name = "listSecrets" | "createSecret" | "getSecret" | "putSecret" | "deleteSecret";

export interface SecretOperationsOptions {
  readonly registry: Registry;
  readonly secrets: Secrets;
}

/** The implementations, by operation. */
export function secretOperations({
  registry,
  secrets,
}: SecretOperationsOptions): Readonly<Record<Name, Implementation>> {
  const existing = async (request: OperationRequest): Promise<Secret> => {
    const name = pathValue(request, "name");
    const secret = isName(name) ? await secrets.get(name) : undefined;
    if (secret === undefined) throw notFound("secret", name);
    return secret;
  };
  const answer = async (status: number, secret: Secret): Promise<OperationReply> => {
    const body = withUsers(secret, await secretUsers(registry));
    return { kind: "json", status, body, revision: secret.metadata.revision };
  };

  return {
    async listSecrets(request) {
      const labels = text(request, "labels");
      const wanted = Object.entries(labels === undefined ? {} : parseLabels(labels));
      const users = await secretUsers(registry);
      const items = (await secrets.list())
        .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels[label] === value))
        .map((secret) => withUsers(secret, users));
      return { kind: "json", status: 200, body: pageOf(items, request) };
    },

    async createSecret(request) {
      return await answer(201, await secrets.create(parseSecret(request.body)));
    },

    async getSecret(request) {
      return await answer(200, await existing(request));
    },

    async putSecret(request) {
      const draft = parseSecret(request.body, { name: pathValue(request, "name") });
      const { secret, outcome } = await secrets.put(draft, request.ifMatch);
      return await answer(outcome === "created" ? 201 : 200, secret);
    },

    async deleteSecret(request) {
      const secret = withUsers(await existing(request), await secretUsers(registry));
      const { name } = secret.metadata;
      if (!flag(request, "force")) demandUnused(secret);
      const { ifMatch } = request;
      const options = ifMatch === undefined || ifMatch === "*" ? {} : { ifRevision: ifMatch };
      if ((await secrets.delete(name, options)) === undefined) throw notFound("secret", name);
      return { kind: "json", status: 200, body: secret };
    },
  };
}

function withUsers(secret: Secret, users: SecretUsers): Secret {
  return { ...secret, status: { usedBy: users.get(secret.metadata.name) ?? [] } };
}

function demandUnused({ metadata: { name }, status: { usedBy } }: Secret): void {
  if (usedBy.length === 0) return;
  const shown = usedBy.slice(0, 5).join(", ") + (usedBy.length > 5 ? ` and ${usedBy.length - 5} more` : "");
  const message = `secret "${name}" is used by ${shown}: take its reference out there, or delete it by force`;
  throw new ManagerError("failed_precondition", message, { reason: "SECRET_IN_USE", details: { usedBy } });
}
