/**
 * What can be asked of a deployment, as rows of the table of operations; and the parameters and answers that both files have in common.
 * Source: resources.md, "REST".
 */
import type { z } from "zod";
import type { Answer, Operation, Parameter } from "./operation.ts";
import { emptyRequestSchema, promoteRequestSchema } from "./schema/deploy.ts";
import { deploymentListSchema, deploymentSchema } from "./schema/deployment.ts";

/** The operations under `/api/v1/deployments`. */
export type DeploymentOperationName =
  | "listDeployments"
  | "getDeployment"
  | "promoteDeployment"
  | "pauseDeployment"
  | "resumeDeployment"
  | "abortDeployment"
  | "retryDeployment";

/** The resource that the path names. */
export const name: Parameter = { name: "name", in: "path", type: "string", summary: "Name of the resource." };

/** Which part of a list. */
export const page: readonly Parameter[] = [
  { name: "limit", in: "query", type: "integer", min: 1, max: 1000, summary: "Items on a page. Default 100." },
  { name: "cursor", in: "query", type: "string", summary: "`nextCursor` of the page before." },
];

/** One Deployment. */
export const deployment: Answer = { status: 200, summary: "The Deployment.", schema: deploymentSchema };

/** A verb on a deployment that is under way. */
function verb(word: string, summary: string, body: z.ZodType = emptyRequestSchema): Operation {
  return {
    method: "POST",
    path: `/api/v1/deployments/{name}/${word}`,
    summary,
    parameters: [name],
    body,
    bodyOptional: true,
    answers: [{ ...deployment, summary: "The Deployment; its status shows what comes of it." }],
    permission: "servers:write",
    errors: ["not_found", "conflict", "failed_precondition"],
    cli: `deployment ${word}`,
  };
}

/** The operations, by name. */
export const deploymentOperations: Readonly<Record<DeploymentOperationName, Operation>> = {
  listDeployments: {
    method: "GET",
    path: "/api/v1/deployments",
    summary: "List the deployments of all servers, newest first.",
    parameters: page,
    answers: [{ status: 200, summary: "A page of Deployments.", schema: deploymentListSchema }],
    permission: "servers:read",
    errors: [],
    cli: "deployment list",
  },
  getDeployment: {
    method: "GET",
    path: "/api/v1/deployments/{name}",
    summary: "Read a deployment: where it is, why, and what to do.",
    parameters: [name],
    answers: [deployment],
    permission: "servers:read",
    errors: ["not_found"],
    cli: "deployment get",
  },
  promoteDeployment: verb(
    "promote",
    "Go on: past the present step, or to the end at once (`full`).",
    promoteRequestSchema,
  ),
  pauseDeployment: verb("pause", "Stay where it is until it is resumed."),
  resumeDeployment: verb("resume", "Go on from a pause. What breaks for clients is accepted by `promote` only."),
  abortDeployment: verb("abort", "Go back to the stable revision."),
  retryDeployment: {
    ...verb("retry", "Try once more what was aborted or failed, from the beginning."),
    answers: [{ ...deployment, status: 202, summary: "The next Deployment, to the same revision." }],
  },
};
