/** The reference of gRPC, written from the table of operations and the proto files. `reference.test.ts` compares it. */
import type { DescMethod } from "@bufbuild/protobuf";
import { errorCodes, type Operation, operations, rpcOf } from "@mcp-manager/api";
import { MCPManager } from "../gen/mcpmanager/v1/service_pb.ts";

/** The page, in Markdown. */
export function grpcPage(): string {
  const rows = MCPManager.methods.flatMap((method) => {
    if (method.name === "WatchServers") return [row(method, operations.watchEvents)];
    const found = Object.entries(operations).find(([name, operation]) => rpcOf(name, operation).method === method.name);
    return found === undefined ? [] : [row(method, found[1])];
  });
  return [intro, head, ...rows, "", errors(), rest].join("\n");
}

function row({ name, input, output, methodKind }: DescMethod, { method, path, permission }: Operation): string {
  const fields = input.fields.map((field) => `\`${field.name}\``).join(", ");
  const type = output.typeName.replace(/^mcpmanager\.v1\./, "");
  const answer = methodKind === "server_streaming" ? `stream of \`${type}\`` : `\`${type}\``;
  return `| \`${name}\` | ${fields} | ${answer} | ${permission === undefined ? "" : `\`${permission}\``} | ${method} ${path.replace("/api/v1/", "")} |`;
}

function errors(): string {
  const codes = Object.entries(errorCodes).map(([code, { grpc }]) => [grpc, code] as const);
  const statuses = [...new Set(codes.map(([status]) => status))].sort((a, b) => a - b);
  const rows = statuses.map((status) => {
    const names = codes.filter(([other]) => other === status).map(([, code]) => `\`${code}\``);
    return `| ${status} ${words[status] ?? ""} | ${names.join(", ")} |`;
  });
  return ["## Errors", "", errorsIntro, "", "| status | codes |", "| --- | --- |", ...rows, ""].join("\n");
}

const words: Readonly<Record<number, string>> = {
  1: "CANCELLED",
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED",
  8: "RESOURCE_EXHAUSTED",
  9: "FAILED_PRECONDITION",
  10: "ABORTED",
  13: "INTERNAL",
  14: "UNAVAILABLE",
  16: "UNAUTHENTICATED",
};

const intro = `# gRPC

<!-- Written from packages/api/src/operations.ts and proto/. To change it, change those and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/manager/src/api/grpc/reference.test.ts -->

The service \`mcpmanager.v1.MCPManager\` listens on port 9090 (\`--grpc-port\`; \`off\` for none) and does what [REST](rest.md) does, with the
same credentials, checks, permissions and audit. [proto/](../../proto/mcpmanager/v1/service.proto) has every message, with units and
defaults in its comments; the JSON form of each message is the JSON of REST.

\`\`\`
grpcurl -plaintext -H "authorization: Bearer $KEY" 127.0.0.1:9090 list mcpmanager.v1.MCPManager
grpcurl -plaintext -H "authorization: Bearer $KEY" -d '{"name": "weather"}' 127.0.0.1:9090 mcpmanager.v1.MCPManager/GetServer
\`\`\`

- **Credential**: metadata \`authorization: Bearer <key>\` on every call but those of \`grpc.health.v1.Health\`.
- **Deadlines and cancellation** end the work behind a call.
- **Unknown fields** are refused, as REST refuses them: a client that is newer than the manager learns that it is.
- **Limits**: a request has at most 4 MiB and is not compressed; a connection has at most 256 calls in flight, counts among
  \`gateway.connections\` and \`connectionsPerAddress\` as HTTP's do, and gRPC has at most a quarter of all. A client that takes nothing of what it is sent for \`gateway.timeouts.stalled\` loses that call; one that does not answer a ping within 20 seconds its connection.
- **Overload**: calls are UNAVAILABLE with \`RetryInfo\` where HTTP refuses requests, and \`WatchEvents\`, \`WatchServers\` and \`ReadLogs\` where it
  refuses sessions. Health, reflection and whoever holds \`servers:write\` are answered all the same.
- **Watching**: \`WatchEvents\` is the stream of \`GET /api/v1/events\`. \`WatchServers\` is the same for servers (\`server.*\`), needs \`servers:read\` too,
  and begins with each server as it is, then \`synced\`. Who gives the last \`position\` back as \`after\` hears exactly what came after it.
- **Stopping**: \`grpc.health.v1.Health\` says NOT_SERVING from the first moment on, calls in flight end, streams end with UNAVAILABLE.

## Methods
`;

const head = `| method | request | response | permission | as in REST |
| --- | --- | --- | --- | --- |`;

const errorsIntro = `The status is the code's; the message is for people. Among the details, which every gRPC library reads: \`google.rpc.ErrorInfo\` with the
[code](errors.md) in capitals as \`reason\`, domain \`mcp-manager\`, and as \`metadata\` what is known of \`server\`, a finer \`reason\`, the \`revision\` that
is there instead of the expected one, and \`retryable\` where it is otherwise than the code says; \`google.rpc.BadRequest\` with the fields that
were wrong; \`google.rpc.RetryInfo\` where waiting helps.`;

const rest = `## TLS

\`\`\`yaml
grpcTls: { cert: /etc/mcp-manager/tls.pem, key: /etc/mcp-manager/tls.key }
\`\`\`

TLS 1.3 only. With \`clientCa\` a client has to show a certificate that it signs, beside the credential. Files are read at the start.

## Tools

\`grpc.health.v1.Health\` (Check and Watch, for \`""\` and \`mcpmanager.v1.MCPManager\`) needs no credential. \`grpc.reflection.v1\` and \`v1alpha\` need one.
`;
