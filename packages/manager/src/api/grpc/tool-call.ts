/**
 * ExecuteTool, whose request and response are not the JSON of REST: arguments and results are a Struct for whoever wants to write
 * fields, or the bytes of their JSON for whoever needs every digit.
 */
import type { JsonObject, Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { invalidFields, ManagerError } from "@mcp-manager/api";
import { parseJson } from "../body.ts";
import type { OperationReply } from "../request.ts";
import type { Asked } from "./asked.ts";
import type { ExecuteToolRequest, ExecuteToolResponse } from "./gen/mcpmanager/v1/server_messages_pb.ts";
import { ExecuteToolRequestSchema, ExecuteToolResponseSchema } from "./gen/mcpmanager/v1/server_messages_pb.ts";
import { refuseUnknown } from "./unknown-fields.ts";

/** What is called, with what. */
export function readToolCall(message: Message): Asked {
  const request = message as ExecuteToolRequest;
  const { server = "", tool = "" } = request;
  return {
    path: { name: server, tool },
    read() {
      refuseUnknown(ExecuteToolRequestSchema, request);
      const missing = Object.entries({ server, tool }).filter(([, value]) => value === "");
      const fields = missing.map(([path]) => ({ path, given: "nothing", expected: "text" }));
      if (fields.length > 0) throw invalidFields(ExecuteToolRequestSchema.name, fields);
      const args = argumentsOf(request);
      return { query: new Map(), body: args === undefined ? undefined : { arguments: args } };
    },
  };
}

function argumentsOf({ arguments: open, argumentsJson }: ExecuteToolRequest): unknown {
  if (argumentsJson === undefined) {
    refuseNotFinite(open, "arguments");
    return open;
  }
  if (open === undefined) return parseJson(argumentsJson, true, "argumentsJson");
  const expected = "nothing beside arguments: they are two ways to say the same";
  throw invalidFields(ExecuteToolRequestSchema.name, [{ path: "argumentsJson", given: "a value", expected }]);
}

/** A double can be what no JSON number is, which would reach the tool as null. What is read is 100 levels deep at most. */
function refuseNotFinite(value: unknown, path: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const expected = "a number that JSON has";
    throw invalidFields(ExecuteToolRequestSchema.name, [{ path, given: String(value), expected }]);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) refuseNotFinite(inner, `${path}.${name}`);
}

/** The tool's result, in the form that was asked for. */
export function toolResult(reply: OperationReply, message: Message): ExecuteToolResponse {
  if (reply.kind !== "raw") throw new ManagerError("internal", `a tool's result came as ${reply.kind}`);
  const result = JSON.parse(reply.bytes.toString()) as JsonObject;
  const isError = result["isError"] === true;
  const isRaw = (message as ExecuteToolRequest).raw === true;
  return create(ExecuteToolResponseSchema, { isError, ...(isRaw ? { resultJson: reply.bytes } : { result }) });
}
