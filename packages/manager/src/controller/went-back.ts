/** Whether a deployment went back by itself: pure. What a person asked for is no fault of the server. */
import type { Deployment } from "@mcp-manager/api";
import { byPeople } from "@mcp-manager/api";

/** Why in words, when the stable revision serves in place of the one that the spec asks for, and nobody said that it should. */
export function wentBack({ metadata, spec, status }: Deployment): string | undefined {
  const { phase, reason, message } = status;
  if (spec.from === null || (phase !== "Aborting" && phase !== "Aborted" && phase !== "Failed")) return undefined;
  if (reason !== undefined && byPeople.has(reason)) return undefined;
  const why = `${reason === undefined ? "" : ` (${reason})`}${message === undefined ? "" : `: ${message}`}`;
  return `deployment ${metadata.name} went back to ${spec.from} by itself${why}`;
}
