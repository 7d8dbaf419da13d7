/**
 * Where the URIs of resources stand in what servers send to clients: links and embedded resources in content, the contents of a
 * read, the page of an app. Only their structural places count; texts, structured content and icons (which are fetched from the
 * web, not from the server) are never links. It changes nothing. Sources: specification 2026-07-28, server/tools, server/prompts,
 * server/resources; MCP Apps 2026-01-26, "Resource Discovery".
 */
import { memberAt, readElements, readMembers, skipAt, skipSpace, stringAt } from "./json.ts";
import { rarer } from "./long-response.ts";
import type { Range } from "./response.ts";

const quote = 0x22;
const openBracket = 0x5b;
const openBrace = 0x7b;
const backslash = 0x5c;
const letterU = 0x75;

/** Reads the value at `at`, adds the strings in it that are links, and answers the position after it; negative: no JSON. */
type Reader = (bytes: Buffer, at: number, found: Range[]) => number;

/**
 * The links in a response to `method`, in order. None where the bytes are no JSON; none inside an object that names one of the
 * members on the way twice: two readers could take different ones, so what it says stays as it is.
 */
export function linksInResult(method: string, response: Buffer): readonly Range[] {
  return linksIn(response, responses.get(method));
}

/** As `linksInResult`, for a notification. */
export function linksInNotification(method: string, message: Buffer): readonly Range[] {
  return linksIn(message, notifications.get(method));
}

/** As `linksInResult`, for one item of `tools/list`: the page of the tool's app. */
export function linksInTool(tool: Buffer): readonly Range[] {
  return linksIn(tool, withApp);
}

const none: readonly Range[] = [];

function linksIn(bytes: Buffer, reader: Reader | undefined): readonly Range[] {
  if (reader === undefined || !mayHoldLink(bytes)) return none;
  const found: Range[] = [];
  return reader(bytes, skipSpace(bytes, 0), found) < 0 ? none : found;
}

const link: Reader = (bytes, at, found) => {
  const end = skipAt(bytes, at);
  if (bytes[at] === quote && end > 0) found.push({ start: at, end });
  return end;
};

/** An object of which some members are looked into. */
function members(readers: Readonly<Record<string, Reader>>): Reader {
  const byKey = new Map(Object.entries(readers));
  return (bytes, at, found) => {
    if (bytes[at] !== openBrace) return skipAt(bytes, at);
    const before = found.length;
    const seen: string[] = [];
    let isTwice = false;
    const end = readMembers(bytes, at, (key, start) => {
      const reader = byKey.get(key);
      if (reader === undefined) return skipAt(bytes, start);
      isTwice ||= seen.includes(key);
      seen.push(key);
      return reader(bytes, start, found);
    });
    if (isTwice) found.length = before;
    return end;
  };
}

function each(reader: Reader): Reader {
  return (bytes, at, found) =>
    bytes[at] === openBracket ? readElements(bytes, at, (start) => reader(bytes, start, found)) : skipAt(bytes, at);
}

const withUri = members({ uri: link });

const withResource = members({ resource: withUri });
const byType: ReadonlyMap<string | undefined, Reader> = new Map([
  ["resource_link", withUri],
  ["resource", withResource],
]);

/** One block of content: its type, which may come last, says where its link is. */
const block: Reader = (bytes, at, found) => {
  const type = memberAt(bytes, at, "type");
  const reader = type === undefined ? undefined : byType.get(stringAt(bytes, type.start, type.end));
  return reader === undefined ? skipAt(bytes, at) : reader(bytes, at, found);
};
const blocks = each(block);

/** A tool, or the result of its call, that has an app; the key with the slash is the older one, deprecated. */
const app = members({ ui: members({ resourceUri: link }), "ui/resourceUri": link });
const withApp = members({ _meta: app });

/** Content is one block, or several. */
const content: Reader = (bytes, at, found) => (bytes[at] === openBracket ? blocks : block)(bytes, at, found);

function responseOf(result: Reader): Reader {
  return members({ result, error: members({ data: withUri }) });
}

const responses: ReadonlyMap<string, Reader> = new Map([
  ["tools/call", responseOf(members({ content: blocks, _meta: app }))],
  ["prompts/get", responseOf(members({ messages: each(members({ content })) }))],
  // A resource that is not found is named in the error.
  ["resources/read", responseOf(members({ contents: each(withUri) }))],
]);

const notifications: ReadonlyMap<string, Reader> = new Map([
  ["notifications/resources/updated", members({ params: withUri })],
]);

const uriKey = Buffer.from('"uri"');
const uriKeyEnd = Buffer.from('uri"');
const resourceUriEnd = Buffer.from('Uri"');
const escape = Buffer.from("\\u00");
const escapeEnd = Buffer.from("u00");
const letterEscapeEnds = ["u005", "u006", "u007"].map((text) => Buffer.from(text));

/**
 * Whether the bytes may hold a key that ends in `uri` or `Uri`, in any spelling. Most messages do not, and the native search says
 * so for a fraction of what reading them costs. It looks for a needle's first byte, so that should be a rare one.
 */
function mayHoldLink(bytes: Buffer): boolean {
  if (bytes.includes(resourceUriEnd)) return true;
  if (bytes.includes(rarer(bytes, quote, letterU) === quote ? uriKey : uriKeyEnd)) return true;
  if (!bytes.includes(rarer(bytes, backslash, letterU) === backslash ? escape : escapeEnd)) return false;
  return letterEscapeEnds.some((end) => bytes.includes(end));
}
