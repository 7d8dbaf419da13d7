/**
 * What a client can be asked while it is served: the part of its declared capabilities that a server may act on by asking
 * (elicitation, sampling, roots), in one canonical spelling, so that clients alike can be told by one text. Nothing else of a
 * client's capabilities is passed on to servers of the legacy era. Pure.
 * Source: schema.ts of the revisions 2025-11-25 and 2026-07-28, `ClientCapabilities`.
 */
import { asRecord } from "./server-facts.ts";

export interface ClientProfile {
  /** The capabilities as canonical JSON; `{}` for a client that can be asked nothing. Equal texts are equal profiles. */
  readonly key: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** A client that can be asked nothing. */
export const noProfile: ClientProfile = { key: "{}", capabilities: {} };

/** A longer declaration is nobody's honest one, and would travel in every session id. */
const profileBytesMax = 2_048;

/** The profile of capabilities as a client wrote them; absent, malformed or oversized ones are none. */
export function clientProfile(raw: Buffer | undefined): ClientProfile {
  if (raw === undefined || raw.length <= 2 || raw.length > profileBytesMax) return noProfile;
  const declared = asRecord(JSON.parse(raw.toString()));
  if (declared === undefined) return noProfile;
  const { elicitation, sampling, roots } = declared;
  const kept = {
    ...(asRecord(elicitation) === undefined ? {} : { elicitation: sorted(elicitation) }),
    // Roots are asked for anew in each call, so a change of theirs has nobody to be told to.
    ...(asRecord(roots) === undefined ? {} : { roots: {} }),
    ...(asRecord(sampling) === undefined ? {} : { sampling: sorted(sampling) }),
  };
  const key = JSON.stringify(kept);
  return key === noProfile.key ? noProfile : { key, capabilities: kept };
}

/** The profile that a canonical text says, as `ClientProfile.key` gave it. */
export function profileOfKey(key: string): ClientProfile {
  return key === noProfile.key ? noProfile : clientProfile(Buffer.from(key));
}

function sorted(value: unknown): unknown {
  const record = asRecord(value);
  if (record === undefined) return Array.isArray(value) ? value.map(sorted) : value;
  const names = Object.keys(record).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(record[name])]));
}
