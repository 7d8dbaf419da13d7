/**
 * What is wrong with a configuration: collected, so that all of it is said at once, and thrown as one error. Nothing is applied
 * when there is a single one.
 */
import { ManagerError } from "@mcp-manager/api";

/** One thing that is wrong. */
export interface Problem {
  /** Where: `servers.yaml:4:9`, `MCP_MANAGER_PORT`, `--port`. */
  readonly place: string;
  /** Which field, when the place does not say it already. */
  readonly field?: string;
  readonly given: string;
  /** What is allowed, and what to do. */
  readonly expected: string;
  /** The server that it is about, where that is known. */
  readonly server?: string;
}

/** Something worth saying that stops nothing. Holds no secret. */
export interface Note {
  readonly level: "info" | "warn";
  readonly message: string;
  /** The server that it is about; then the message begins with `server`, its name and a colon. */
  readonly server?: string;
}

const shownMax = 20;

/** The error for these problems, one a line. */
export function configError(problems: readonly Problem[]): ManagerError {
  const lines = problems
    .slice(0, shownMax)
    .map(({ given, expected, ...where }) => `${whereText(where)}: given ${given}, expected ${expected}`);
  if (problems.length > shownMax) lines.push(`and ${problems.length - shownMax} more`);
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  return new ManagerError("invalid_argument", `the configuration has ${count}:\n  ${lines.join(";\n  ")}`, {
    reason: "INVALID_CONFIG",
    fields: problems.map(({ given, expected, ...where }) => ({ path: whereText(where), given, expected })),
  });
}

function whereText({ place, field }: Pick<Problem, "place" | "field">): string {
  return field === undefined ? place : `${place} ${field}`;
}
