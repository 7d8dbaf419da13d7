/** Which log messages of a server a client wants to have: a rule of each era, and the levels in their order. Pure. */
import { scanEnvelope } from "../../protocol/envelope.ts";
import type { Call } from "./call.ts";

/** RFC 5424 levels, least to most severe, as `logging/setLevel` names them. */
export const logLevels: readonly string[] = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
];

/** Legacy: from the session's level up, all until there is one. Modern: only when the request asked for a level (2026-07-28, logging). */
export function wantsLog({ era, session, envelope }: Call, message: Buffer): boolean {
  const least = era === "modern" ? envelope.text("logLevel") : session?.logLevel;
  if (least === undefined) return era === "legacy";
  const scan = scanEnvelope(message);
  const level = scan.ok ? scan.envelope.text("level") : undefined;
  return level !== undefined && logLevels.includes(least) && logLevels.indexOf(level) >= logLevels.indexOf(least);
}
