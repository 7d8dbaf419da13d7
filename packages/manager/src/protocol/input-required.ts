/**
 * Multi round-trip requests on the wire: a result that asks its client for input, and the retry that brings it. Read and written
 * as bytes, so that what a server asks, what a client answers and the state between them pass unchanged. Decides nothing.
 * Source: specification 2026-07-28, basic/patterns/mrtr.
 */
import type { Envelope } from "./envelope.ts";
import { decodeString, isObjectAt, type Member, membersAt, stringAt } from "./json.ts";
import { insertion, removals } from "./object-edits.ts";
import { responseMembers } from "./response.ts";
import { resultResponse } from "./results.ts";
import { type Edit, splice } from "./splice.ts";

/** One thing that a server wants to know, under the key by which the answer is given. */
export interface InputRequest {
  readonly key: string;
  /** `elicitation/create`, `sampling/createMessage`, `roots/list`, or what the future brings. */
  readonly method: string;
  /** As written; undefined when there are none. */
  readonly params: Buffer | undefined;
}

/** What an `input_required` result says. */
export interface InputRequired {
  readonly requests: readonly InputRequest[];
  /** The string token of `requestState` as written; undefined when there is none. */
  readonly state: Buffer | undefined;
}

/** More questions in one result are nobody's honest ones. */
const requestsMax = 64;

/** Reads an `input_required` result; undefined when it is none, asks nothing and has no state, or is malformed. */
export function readInputRequired(response: Buffer): InputRequired | undefined {
  const members = responseMembers(response);
  if (members?.text("resultType") !== "input_required") return undefined;
  const { start } = members.result;
  const stateAt = only(response, start, "requestState");
  const requestsAt = only(response, start, "inputRequests");
  if (stateAt === "twice" || requestsAt === "twice") return undefined;
  if (stateAt !== undefined && stringAt(response, stateAt.start, stateAt.end) === undefined) return undefined;
  const requests = requestsAt === undefined ? [] : readRequests(response, requestsAt.start);
  if (requests === undefined || (requests.length === 0 && stateAt === undefined)) return undefined;
  return { requests, state: stateAt === undefined ? undefined : response.subarray(stateAt.start, stateAt.end) };
}

function readRequests(bytes: Buffer, at: number): readonly InputRequest[] | undefined {
  const entries = membersAt(bytes, at);
  if (entries === undefined || entries.length > requestsMax) return undefined;
  const requests: InputRequest[] = [];
  for (const entry of entries) {
    const method = only(bytes, entry.start, "method");
    const params = only(bytes, entry.start, "params");
    if (method === undefined || method === "twice" || params === "twice") return undefined;
    const text = stringAt(bytes, method.start, method.end);
    if (text === undefined || (params !== undefined && !isObjectAt(bytes, params.start))) return undefined;
    requests.push({
      key: decodeString(bytes, entry.keyStart, entry.keyEnd),
      method: text,
      params: params === undefined ? undefined : bytes.subarray(params.start, params.end),
    });
  }
  return new Set(requests.map(({ key }) => key)).size === requests.length ? requests : undefined;
}

/** The response with `state` as its `requestState`, put in the place of the server's or added. */
export function withRequestState(response: Buffer, state: string): Buffer {
  const start = responseMembers(response)?.result.start ?? -1;
  const text = Buffer.from(JSON.stringify(state));
  const present = only(response, start, "requestState");
  if (present !== undefined && present !== "twice") {
    return splice(response, [{ start: present.start, end: present.end, bytes: text }]);
  }
  return splice(response, [insertion(response, start, `"requestState":${text.toString()}`)]);
}

/** An `input_required` response of the manager's own; `id` is the request's id as written. */
export function inputRequiredResult(id: Buffer, requests: readonly InputRequest[], state: string): Buffer {
  const entries = requests.map(({ key, method, params }) => {
    const given = params === undefined ? "" : `,"params":${params.toString()}`;
    return `${JSON.stringify(key)}:{"method":${JSON.stringify(method)}${given}}`;
  });
  const asked = `"inputRequests":{${entries.join(",")}}`;
  return resultResponse(
    id,
    Buffer.from(`{"resultType":"input_required",${asked},"requestState":${JSON.stringify(state)}}`),
  );
}

/** The answers in a retry, by key, as written; what is no object answers nothing and is left out. */
export function readInputResponses(envelope: Envelope): ReadonlyMap<string, Buffer> {
  const { bytes } = envelope;
  const answers = new Map<string, Buffer>();
  for (const member of membersAt(bytes, envelope.start("inputResponses")) ?? []) {
    if (!isObjectAt(bytes, member.start)) continue;
    answers.set(decodeString(bytes, member.keyStart, member.keyEnd), bytes.subarray(member.start, member.end));
  }
  return answers;
}

/** What a request gains to become its own retry. `params` must be an object; sorted by start as edits have to be. */
export function retryEdit(envelope: Envelope, answers: ReadonlyMap<string, Buffer>, state: Buffer | undefined): Edit {
  const entries = [...answers].map(([key, answer]) => `${JSON.stringify(key)}:${answer.toString()}`);
  const members = [
    ...(answers.size === 0 ? [] : [`"inputResponses":{${entries.join(",")}}`]),
    ...(state === undefined ? [] : [`"requestState":${state.toString()}`]),
  ];
  return insertion(envelope.bytes, envelope.start("params"), members.join(","));
}

/** Takes `requestState` out of a request's params. */
export function stateRemoval(envelope: Envelope): readonly Edit[] {
  return removals(envelope.bytes, envelope.start("params"), stateOnly);
}

const stateOnly: ReadonlySet<string> = new Set(["requestState"]);

/** The member of this name of the object at `at`, `twice` when a reader could choose. */
function only(bytes: Buffer, at: number, name: string): Member | "twice" | undefined {
  const named = (membersAt(bytes, at) ?? []).filter(
    ({ keyStart, keyEnd }) => decodeString(bytes, keyStart, keyEnd) === name,
  );
  return named.length > 1 ? "twice" : named[0];
}
