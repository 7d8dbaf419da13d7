/** What is said of a configuration file that was read again, in one line each. Pure. */
import type { ManagerError } from "@mcp-manager/api";
import type { Admission } from "./configured.ts";

/** What became of servers, in words. */
export interface AdmissionText {
  /** Undefined when nothing came of any. */
  readonly text: string | undefined;
  /** Whether one was refused. */
  readonly refused: boolean;
  /** Whether one was refused only for now. */
  readonly retry: boolean;
}

/** Names that a line holds; of more it says how many. */
const namesMax = 10;

const words: readonly (readonly [Admission["outcome"], string])[] = [
  ["applied", "applied"],
  ["removed", "deleted"],
  ["released", "no longer named but made by others, so they stay"],
];

/** Says what changed; servers that are as they were are not mentioned. */
export function admissionText(admissions: readonly Admission[]): AdmissionText {
  const refused = admissions.filter(({ outcome }) => outcome === "refused");
  const parts = [
    ...words.flatMap(([outcome, word]) => {
      const names = admissions.filter((admission) => admission.outcome === outcome).map(({ name }) => name);
      return names.length === 0 ? [] : [`${word}: ${list(names)}`];
    }),
    ...refused.slice(0, namesMax).map(({ name, error }) => `refused: ${name} (${error?.message ?? "no reason given"})`),
    ...(refused.length > namesMax ? [`and ${refused.length - namesMax} more were refused`] : []),
  ];
  return {
    text: parts.length === 0 ? undefined : parts.join("; "),
    refused: refused.length > 0,
    retry: refused.some(({ error }) => error?.retryAfterMs !== undefined),
  };
}

/** What is wrong and where, without the lines of the file that a person is shown. */
export function problemText({ message }: ManagerError): string {
  return message
    .split("\n")
    .filter((line) => !/^\s*\d* \|/.test(line))
    .map((line) => line.trim())
    .join(" ");
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, namesMax).join(", ");
  return names.length > namesMax ? `${shown} and ${names.length - namesMax} more` : shown;
}
