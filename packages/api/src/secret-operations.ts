/**
 * What can be asked about secrets, as rows of the table of operations. No answer holds a value.
 */
import { name, page } from "./deployment-operations.ts";
import type { Answer, Operation } from "./operation.ts";
import { etag, ifMatch, labels } from "./parameters.ts";
import { listSchema } from "./schema/common.ts";
import { secretInputSchema, secretSchema } from "./schema/secret.ts";

/** The operations under `/api/v1/secrets`. */
export type SecretOperationName = "listSecrets" | "createSecret" | "getSecret" | "putSecret" | "deleteSecret";

const secret: Answer = {
  status: 200,
  summary: "The Secret, without its value.",
  schema: secretSchema,
  headers: etag,
};

/** The operations, by name. */
export const secretOperations: Readonly<Record<SecretOperationName, Operation>> = {
  listSecrets: {
    method: "GET",
    path: "/api/v1/secrets",
    summary: "List the secrets and who uses them, without their values.",
    parameters: [...page, labels],
    answers: [{ status: 200, summary: "A page of Secrets.", schema: listSchema(secretSchema) }],
    permission: "secrets:read",
    errors: [],
    cli: "secret list",
  },
  createSecret: {
    method: "POST",
    path: "/api/v1/secrets",
    summary: "Keep a secret, sealed. Nobody reads its value again.",
    parameters: [],
    body: secretInputSchema,
    answers: [{ ...secret, status: 201 }],
    permission: "secrets:write",
    errors: ["already_exists"],
  },
  getSecret: {
    method: "GET",
    path: "/api/v1/secrets/{name}",
    summary: "Read who uses a secret, without its value.",
    parameters: [name],
    answers: [secret],
    permission: "secrets:read",
    errors: ["not_found"],
    cli: "secret get",
  },
  putSecret: {
    method: "PUT",
    path: "/api/v1/secrets/{name}",
    summary:
      "Keep a secret or give it another value. Servers that use it (`status.usedBy`) take it at their next start.",
    parameters: [name, ifMatch],
    body: secretInputSchema,
    answers: [
      { ...secret, summary: "The Secret, changed or as it was." },
      { ...secret, status: 201, summary: "The new Secret." },
    ],
    permission: "secrets:write",
    errors: ["conflict"],
    cli: "secret set",
  },
  deleteSecret: {
    method: "DELETE",
    path: "/api/v1/secrets/{name}",
    summary: "Forget a secret that nobody uses.",
    parameters: [
      name,
      { name: "force", in: "query", type: "boolean", summary: "Also one in use: what uses it cannot start again." },
      ifMatch,
    ],
    answers: [{ ...secret, summary: "The Secret as it was.", headers: {} }],
    permission: "secrets:write",
    errors: ["not_found", "conflict", "failed_precondition"],
    cli: "secret delete",
  },
};
