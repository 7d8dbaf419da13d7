/**
 * Resources to the bytes under their store keys, and back. The spec key holds the metadata too, but not the name (it is in the
 * key) nor the revision (it is the key's own); the status key holds the status alone.
 */
import type { Metadata } from "@mcp-manager/api";
import { ManagerError } from "@mcp-manager/api";
import { storeLimits } from "../store/key.ts";
import type { KeyValue } from "../store/store.ts";
import type { Part } from "./keys.ts";
import type { AnyResource, Kind } from "./kinds.ts";

/** A resource with the store revisions that transactions compare. */
export interface Stored<R extends AnyResource> {
  readonly resource: R;
  /** Revision that last wrote the spec key. */
  readonly specRevision: bigint;
  /** Revision that made the resource; another one after it was deleted and made again. */
  readonly createRevision: bigint;
  /** Revision that last wrote the status key; 0 when there is none. */
  readonly statusRevision: bigint;
  /** Whether a member of the status is kept in a key of its own. */
  readonly hasApart: boolean;
}

/** The keys of one resource, as far as they exist. */
export type Parts = { readonly [P in Part]?: KeyValue };

const encoder = new TextEncoder();

interface SpecRecord<R extends AnyResource> {
  readonly metadata: Omit<Metadata, "name" | "revision">;
  readonly spec: R["spec"];
}

/** The value of the spec key. ManagerError `invalid_argument` when it is larger than the store keeps. */
export function encodeSpec(resource: AnyResource): Uint8Array {
  const { name, revision: _, ...metadata } = resource.metadata;
  return encode(resource.kind, name, { metadata, spec: resource.spec } satisfies SpecRecord<AnyResource>);
}

/** The value of any other key of a resource; the same limit. */
export function encode(kind: string, name: string, value: unknown): Uint8Array {
  // Not Buffer.from: a view into its pool is sent to the store's thread with all of the pool.
  const bytes = encoder.encode(JSON.stringify(value));
  if (bytes.byteLength <= storeLimits.maxValueBytes) return bytes;
  throw new ManagerError(
    "invalid_argument",
    `${kind} ${name} takes ${bytes.byteLength} bytes; at most ${storeLimits.maxValueBytes} are kept: make it smaller`,
    { reason: "TOO_LARGE", details: { bytes: bytes.byteLength, bytesMax: storeLimits.maxValueBytes } },
  );
}

/** Any JSON value. */
export function decode(value: Uint8Array): unknown {
  return JSON.parse(textOf(value));
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

/** The resource that the keys make up; undefined without a spec key. ManagerError `internal` when a value can't be read. */
export function decodeResource<R extends AnyResource>(
  kind: Kind<R>,
  name: string,
  parts: Parts,
): Stored<R> | undefined {
  if (parts.spec === undefined) return undefined;
  try {
    const record: SpecRecord<R> = JSON.parse(textOf(parts.spec.value));
    const metadata = { name, ...record.metadata, revision: String(parts.spec.modRevision) };
    const status: R["status"] =
      parts.status === undefined ? kind.initialStatus(record.spec) : joined(kind, parts.status, parts.apart);
    return {
      resource: assemble(kind, metadata, record.spec, status),
      specRevision: parts.spec.modRevision,
      createRevision: parts.spec.createRevision,
      statusRevision: parts.status?.modRevision ?? 0n,
      hasApart: parts.apart !== undefined,
    };
  } catch (cause) {
    throw new ManagerError("internal", `the stored ${kind.kind} ${name} can't be read; restore it or delete it`, {
      reason: "UNREADABLE_RESOURCE",
      cause,
    });
  }
}

/** A status as its keys hold it: the member that the kind keeps apart, undefined when there is none, and all others. */
export function divided<R extends AnyResource>(
  { apart }: Pick<Kind<R>, "apart">,
  status: R["status"],
): { readonly status: unknown; readonly apart: unknown } {
  if (apart === undefined || typeof status !== "object" || status === null) return { status, apart: undefined };
  const members: readonly (readonly [string, unknown])[] = Object.entries(status);
  return {
    status: Object.fromEntries(members.filter(([name]) => name !== apart)),
    apart: members.find(([name]) => name === apart)?.[1],
  };
}

function joined<R extends AnyResource>(kind: Kind<R>, status: KeyValue, apart: KeyValue | undefined): R["status"] {
  const others: unknown = JSON.parse(textOf(status.value));
  if (kind.apart === undefined || apart === undefined) return others;
  return Object.assign({}, others, { [kind.apart]: decode(apart.value) });
}

/** The four members as the kind's resource. */
export function assemble<R extends AnyResource>(
  kind: Kind<R>,
  metadata: Metadata,
  spec: R["spec"],
  status: R["status"],
): R {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- R is Resource<kind, spec, status>; generics can't say so
  return { kind: kind.kind, metadata, spec, status } as R;
}
