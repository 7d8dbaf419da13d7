/** The reference of errors, written from the table of codes. `pages.test.ts` compares it with `docs/reference/errors.md`. */
import { errorCodes } from "../error.ts";
import type { ErrorCode } from "../error.ts";

interface Words {
  readonly meaning: string;
  readonly remedy: string;
}

/** What each code means, for people. Typed as a Record, so that a new code does not compile without its words. */
const words: Readonly<Record<ErrorCode, Words>> = {
  invalid_argument: {
    meaning: "What was sent is wrong, whatever the state of things. `errors` names every wrong field.",
    remedy: "Correct what the message names.",
  },
  unauthenticated: {
    meaning: "No credential, or one that is unknown, revoked or expired.",
    remedy: "Send `Authorization: Bearer <key>`; `mcp-manager api-key create` makes one.",
  },
  permission_denied: {
    meaning: "The credential is good, and its roles do not allow this.",
    remedy: "Use a key with the role that the message names.",
  },
  not_found: {
    meaning: "There is no such resource, path or session.",
    remedy: "Look at the name; after an unknown session, initialize again (MCP clients do that by themselves).",
  },
  already_exists: {
    meaning: "There is a resource of that name.",
    remedy: "Change it with `PUT`, or take another name.",
  },
  conflict: {
    meaning: "Somebody else changed it since it was read. `current` is what is there.",
    remedy: "Read it again, make the change to that.",
  },
  failed_precondition: {
    meaning: "What was asked for is right, and not possible in the present state.",
    remedy: "Bring about the state that the message names.",
  },
  resource_exhausted: {
    meaning: "A limit is reached: calls in flight, a queue, sessions.",
    remedy: "Try again after `retryAfterMs`, or raise the limit that is named.",
  },
  cancelled: { meaning: "The caller took the request back.", remedy: "Nothing." },
  internal: {
    meaning: "The manager failed. What happened is in its log, not in the answer.",
    remedy: "Report it, with the log.",
  },
  protocol_error: {
    meaning: "A server, or what answered in its place, broke the protocol.",
    remedy: "Look at the server: `mcp-manager server get NAME`, `server logs NAME`.",
  },
  unavailable: {
    meaning: "No replica of the server is ready, or the manager cannot be reached.",
    remedy: "`mcp-manager server get NAME` shows the last failure; a retry may succeed.",
  },
  circuit_open: {
    meaning: "Calls to the server failed so often that they are refused for now.",
    remedy: "Try again after `retryAfterMs`; look why the calls fail.",
  },
  deadline_exceeded: {
    meaning: "The server did not answer in time.",
    remedy: "Try again; or raise `limits.callTimeout` of the server.",
  },
};

/** The page, in Markdown. */
export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, { http, grpc, exit, retryable }]) => {
    const { meaning, remedy } = words[code as ErrorCode];
    return `| \`${code}\` | ${http} | ${grpc} | ${exit} | ${retryable ? "yes" : "no"} | ${meaning} | ${remedy} |`;
  });
  return [intro, head, ...rows, "", shapes].join("\n");
}

const intro = `# Errors

<!-- Written from the table in packages/api/src/error.ts. To change it, change that and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/api/src/pages.test.ts -->

One set of codes at every door. The code is for programs and never changes its meaning; the message is for people: it names what
happened, to which thing, and what to do, and holds no secret.
`;

const head = `| code | HTTP and JSON-RPC | gRPC | exit | retry | meaning | what to do |
| --- | --- | --- | --- | --- | --- | --- |`;

const shapes = `*retry* says whether the same request may succeed later without anybody changing anything. *exit* is the status of the command line;
it also ends with 2 for wrong usage.

## Over REST

\`application/problem+json\` (RFC 9457): \`{type, title, status, detail, code, reason, instance, server?, retryAfterMs?, retryable?, errors?,
current?}\`.
\`retryable\` is there where it is not what the table says: false where the request may have been carried out all the same.
\`reason\` is a constant in capitals that is finer than the code, such as \`NO_READY_REPLICA\`. \`errors\` is a list of
\`{path, given, expected}\`. The status is the code's own but for these: a \`conflict\` under \`If-Match\` is 412, a body that is too long 413, one
of another type 415. A 401 carries \`WWW-Authenticate\`.

## On MCP endpoints

The manager's own failures are JSON-RPC errors whose \`code\` is the HTTP number in the table, outside the ranges that JSON-RPC and MCP
reserve, with \`data: {code, server?, message, retryable, retryAfterMs?}\`. \`retryable\` is false, whatever the table says, where the call
may have been carried out all the same. What the protocol has a number for keeps that: -32700 and -32600 for what
is no message, -32601 for an unknown method, -32602 for a tool that is unknown *or not allowed*, -32020 for a header that says
something else than the body. Errors of servers are passed on as they came, and a tool's own \`isError\` is an answer, not an error.
`;
