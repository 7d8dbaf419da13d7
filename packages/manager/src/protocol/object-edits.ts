/**
 * Edits on the members of a JSON object: what is put into one, and what is taken out, with the right number of commas. The one place
 * for it; what is put in or taken out, and why, is for others to say.
 */
import type { Envelope } from "./envelope.ts";
import { decodeString, isObjectAt, type Member, membersAt, skipSpace } from "./json.ts";
import type { Edit } from "./splice.ts";

const nothing: Buffer = Buffer.alloc(0);

/** Edits that take the named members, each with one comma, out of the object at `at`; none when there is no object. */
export function removals(bytes: Buffer, at: number, names: ReadonlySet<string>): Edit[] {
  const members = at < 0 ? [] : (membersAt(bytes, at) ?? []);
  const edits: Edit[] = [];
  let lastKept: Member | undefined;
  members.forEach((member, i) => {
    if (!names.has(decodeString(bytes, member.keyStart, member.keyEnd))) {
      lastKept = member;
      return;
    }
    // Behind a member that stays, its comma goes too; before the first that stays, the comma behind.
    const start = lastKept === undefined ? member.keyStart : (members[i - 1]?.end ?? member.keyStart);
    const end = lastKept === undefined ? (members[i + 1]?.keyStart ?? member.end) : member.end;
    edits.push({ start, end, bytes: nothing });
  });
  return edits;
}

/** Puts members, at least one, before the first of the object at `at`. */
export function insertion(bytes: Buffer, at: number, members: string): Edit {
  const isEmpty = bytes[skipSpace(bytes, at + 1)] === 0x7d;
  return { start: at + 1, end: at + 1, bytes: Buffer.from(isEmpty ? members : `${members},`) };
}

/** Puts members into a message's `params._meta`, which is made where it is missing, or is no object. */
export function metaInsertion(envelope: Envelope, members: string): Edit {
  const { bytes } = envelope;
  const meta = envelope.start("meta");
  if (isObjectAt(bytes, meta)) return insertion(bytes, meta, members);
  const written = `{${members}}`;
  if (meta >= 0) return { start: meta, end: envelope.end("meta"), bytes: Buffer.from(written) };
  const params = envelope.start("params");
  if (params >= 0) return insertion(bytes, params, `"_meta":${written}`);
  const at = envelope.end("method");
  return { start: at, end: at, bytes: Buffer.from(`,"params":{"_meta":${written}}`) };
}
