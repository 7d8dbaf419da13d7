/**
 * What subscriptions are made of, as bytes: the filter of `subscriptions/listen` and its acknowledgement, the notifications of
 * change as each client is to read them, and the manager's own `subscriptions/listen` to a server. It knows no clients, servers or
 * rights. Sources: specification 2026-07-28, basic/patterns/subscriptions; 2025-11-25, server/resources ("Subscriptions").
 */
import { metaInsertion, removals } from "./object-edits.ts";
import { type Envelope, type MemberName, scanEnvelope, subscriptionIdKey } from "./envelope.ts";
import { modernMeta } from "./modern.ts";
import { resultResponse } from "./results.ts";
import { asRecord } from "./server-facts.ts";
import { type Edit, splice } from "./splice.ts";

/** The lists that clients hear of; that of templates is one with that of resources. */
export type ListKind = "tools" | "prompts" | "resources";

/** Every kind, in the order in which acknowledgements name them. */
export const listKinds: readonly ListKind[] = ["tools", "prompts", "resources"];

/** What somebody wants to hear of, or is going to. */
export interface SubscriptionFilter {
  readonly lists: readonly ListKind[];
  /** Without repetitions. */
  readonly uris: readonly string[];
}

/** The most URIs of one listen request; a session's subscriptions have the same bound. */
export const urisMax = 1_000;
/** The longest URI that can be subscribed to, in characters. */
export const uriLengthMax = 2_048;

/** The method that says that a resource changed. */
export const updatedMethod = "notifications/resources/updated";
/** The first message on a listen stream. */
export const acknowledgedMethod = "notifications/subscriptions/acknowledged";

/** The method that says that a list changed. */
function listChangedMethod(kind: ListKind): string {
  return `notifications/${kind}/list_changed`;
}

/**
 * The filter in the `params` of a listen request, given as written; a text says what is wrong with it. Members that are not known
 * here are somebody else's extension and are read over.
 */
export function parseFilter(params: Buffer | undefined): SubscriptionFilter | string {
  const filter =
    params === undefined ? undefined : asRecord(asRecord(JSON.parse(params.toString()))?.["notifications"]);
  if (filter === undefined) return "params.notifications must be an object";
  const flags = listKinds.map((kind) => filter[`${kind}ListChanged`]);
  const wrong = flags.findIndex((flag) => flag !== undefined && typeof flag !== "boolean");
  if (wrong >= 0) return `params.notifications.${listKinds[wrong]}ListChanged must be true or false`;
  const uris = filter["resourceSubscriptions"] ?? [];
  if (!Array.isArray(uris) || !uris.every((uri) => isSubscribable(uri))) {
    return `params.notifications.resourceSubscriptions must be strings of at most ${uriLengthMax} characters`;
  }
  if (uris.length > urisMax) return `params.notifications.resourceSubscriptions has more than ${urisMax} URIs`;
  return { lists: listKinds.filter((_, i) => flags[i] === true), uris: [...new Set(uris)] };
}

/** Whether this is a URI that can be subscribed to. */
export function isSubscribable(uri: unknown): uri is string {
  return typeof uri === "string" && uri.length <= uriLengthMax;
}

/** What a server's acknowledgement says it will tell; nothing when it is malformed. */
export function parseAcknowledged(message: Buffer): SubscriptionFilter {
  const params = asRecord(asRecord(JSON.parse(message.toString()))?.["params"]);
  const notifications = asRecord(params?.["notifications"]) ?? {};
  const uris = notifications["resourceSubscriptions"];
  return {
    lists: listKinds.filter((kind) => notifications[`${kind}ListChanged`] === true),
    uris: Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [],
  };
}

/** `filter` as requests and acknowledgements write it. */
function written({ lists, uris }: SubscriptionFilter): Readonly<Record<string, unknown>> {
  return {
    ...Object.fromEntries(lists.map((kind) => [`${kind}ListChanged`, true])),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
  };
}

/** The acknowledgement of the listen request with this id, given as written. */
export function acknowledgement(id: Buffer, honoured: SubscriptionFilter): Buffer {
  const head = `{"jsonrpc":"2.0","method":"${acknowledgedMethod}","params":{"_meta":{"${subscriptionIdKey}":`;
  return Buffer.concat([
    Buffer.from(head),
    id,
    Buffer.from(`},"notifications":${JSON.stringify(written(honoured))}}}`),
  ]);
}

/** The response that ends the listen request with this id gracefully. */
export function listenResult(id: Buffer): Buffer {
  const head = `{"resultType":"complete","_meta":{"${subscriptionIdKey}":`;
  return resultResponse(id, Buffer.concat([Buffer.from(head), id, Buffer.from("}}")]));
}

/** A list changed; `subscriptionId`, as written, for a listen stream. */
export function listChanged(kind: ListKind, subscriptionId?: Buffer): Buffer {
  const head = `{"jsonrpc":"2.0","method":"${listChangedMethod(kind)}"`;
  if (subscriptionId === undefined) return Buffer.from(`${head}}`);
  return Buffer.concat([
    Buffer.from(`${head},"params":{"_meta":{"${subscriptionIdKey}":`),
    subscriptionId,
    Buffer.from("}}}"),
  ]);
}

/** The manager's own listen request; its id is a number, which stands at [idStart, idEnd). */
export function listenRequest(
  id: number,
  filter: SubscriptionFilter,
): { bytes: Buffer; idStart: number; idEnd: number } {
  const params = { notifications: written(filter), _meta: modernMeta() };
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, method: "subscriptions/listen", params }));
  const idStart = '{"jsonrpc":"2.0","id":'.length;
  return { bytes, idStart, idEnd: idStart + String(id).length };
}

/** A server's word that a resource changed, on its way to clients. */
export class ResourceUpdate {
  /** The server's own URI. */
  readonly uri: string;
  readonly #envelope: Envelope;

  private constructor(envelope: Envelope, uri: string) {
    this.#envelope = envelope;
    this.uri = uri;
  }

  /** Undefined when the message names no URI, or names one twice: two readers must not disagree about it. */
  static read(message: Buffer): ResourceUpdate | undefined {
    const scan = scanEnvelope(message);
    const uri = scan.ok ? scan.envelope.text("uri") : undefined;
    return scan.ok && uri !== undefined ? new ResourceUpdate(scan.envelope, uri) : undefined;
  }

  /** The same bytes with the URI that this client knows, and with its own subscription id, or without any. */
  as(shownUri: string, subscriptionId?: Buffer): Buffer {
    const edits = this.#idEdits(subscriptionId);
    if (shownUri !== this.uri) edits.push(this.#replacing("uri", Buffer.from(JSON.stringify(shownUri))));
    return splice(
      this.#envelope.bytes,
      edits.sort((a, b) => a.start - b.start),
    );
  }

  #idEdits(id: Buffer | undefined): Edit[] {
    const envelope = this.#envelope;
    const { bytes } = envelope;
    const meta = envelope.start("meta");
    const hasId = envelope.has("subscriptionId");
    if (id === undefined) return hasId ? removals(bytes, meta, ownId) : [];
    if (hasId) return [this.#replacing("subscriptionId", id)];
    const member = `"${subscriptionIdKey}":${id.toString()}`;
    return [metaInsertion(envelope, member)];
  }

  #replacing(member: MemberName, bytes: Buffer): Edit {
    return { start: this.#envelope.start(member), end: this.#envelope.end(member), bytes };
  }
}

const ownId: ReadonlySet<string> = new Set([subscriptionIdKey]);
