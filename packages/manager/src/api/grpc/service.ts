/**
 * The gRPC adapter: every method of MCPManager that has an operation, by the table. A message in, one operation, messages out; it holds
 * no rule of its own. What the table does not have answers UNIMPLEMENTED by itself.
 */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { OperationName, Permission } from "@mcp-manager/api";
import { ManagerError, operations as table, rpcOf } from "@mcp-manager/api";
import { perform, type PerformOptions } from "../perform.ts";
import type { OperationReply, OperationRequest } from "../request.ts";
import { demand } from "../request.ts";
import { messageOf, messagesOf } from "./answered.ts";
import { type Reader, readerOf } from "./asked.ts";
import { callerOf } from "./caller.ts";
import { toRpcError } from "./errors.ts";
import { MCPManager } from "./gen/mcpmanager/v1/service_pb.ts";
import { readToolCall, toolResult } from "./tool-call.ts";
import { onlyNamed, readWatchServers } from "./watch-servers.ts";

export interface ServiceOptions extends PerformOptions {
  /** Ends what goes on until somebody has heard enough. */
  readonly stopping: AbortSignal;
}

/** How one method is read, done and answered. */
interface Method {
  readonly name: OperationName;
  readonly desc: DescMethod;
  readonly read: Reader;
  /** Beside the operation's own. */
  readonly permission?: Permission;
  /** The one message of an answer. */
  message(reply: OperationReply, request: Message): Message;
  /** What of an answer that goes on is meant for whoever asked so. */
  narrow(reply: OperationReply, request: Message): OperationReply;
}

/** Items asked for at a time where all are wanted. */
const pageItems = 500;

/** The methods that there are, by operation. */
function methods(): readonly Method[] {
  const byMethod = new Map(
    Object.entries(table).map(([name, row]) => [rpcOf(name, row).method, name as OperationName]),
  );
  return MCPManager.methods.flatMap((desc): readonly Method[] => {
    if (desc.name === "WatchServers") {
      const own = { read: readWatchServers, narrow: onlyNamed, permission: "servers:read" as const };
      return [{ ...usual("watchEvents", desc), ...own }];
    }
    const name = byMethod.get(desc.name);
    if (name === undefined) return [];
    if (name === "callTool") return [{ ...usual(name, desc), read: readToolCall, message: toolResult }];
    return [usual(name, desc)];
  });
}

function usual(name: OperationName, desc: DescMethod): Method {
  const rpc = rpcOf(name, table[name]);
  return {
    name,
    desc,
    read: readerOf(table[name], rpc, desc.input),
    message: (reply) => messageOf(reply, desc.output, rpc),
    narrow: (reply) => reply,
  };
}

/** The implementation of the service. */
export function managerService({ onFailure, ...rest }: ServiceOptions): Partial<ServiceImpl<typeof MCPManager>> {
  const options: ServiceOptions = {
    ...rest,
    // Work that ended because its caller cut it short, with the reason that the signal has, is nobody's failure.
    onFailure: (name, error) => (error.cause instanceof ConnectError ? undefined : onFailure(name, error)),
  };
  const implementations = methods().map((method) => [
    method.desc.localName,
    method.desc.methodKind === "unary" ? unary(method, options) : streaming(method, options),
  ]);
  // The table and the proto files agree by a test, not by types.
  return Object.fromEntries(implementations) as Partial<ServiceImpl<typeof MCPManager>>;
}

type Unary = (request: Message, context: HandlerContext) => Promise<Message>;
type Streaming = (request: Message, context: HandlerContext) => AsyncIterable<Message>;

function unary(method: Method, options: ServiceOptions): Unary {
  return async (request, context) => {
    let message: Message | undefined;
    const send = (reply: OperationReply): void => {
      message = method.message(reply, request);
    };
    try {
      await ask(method, request, context, context.signal, send, options);
    } catch (error) {
      throw errorOf(error, context);
    }
    if (message === undefined) throw toRpcError(new ManagerError("internal", `${method.name} answered nothing`));
    return message;
  };
}

/** The operation lasts as long as its messages are read; when it is stopped, the reader hears that it is no end of its own. */
function streaming(method: Method, options: ServiceOptions): Streaming {
  return async function* messages(request, context) {
    const begun = Promise.withResolvers<OperationReply>();
    const read = Promise.withResolvers<void>();
    // Nobody waits for it where nothing was sent.
    read.promise.catch(() => undefined);
    const signal = AbortSignal.any([context.signal, options.stopping]);
    const send = (reply: OperationReply): Promise<void> => {
      begun.resolve(reply);
      return read.promise;
    };
    const done = ask(method, request, context, signal, send, options);
    done.catch(begun.reject);
    try {
      const reply = method.narrow(await begun.promise, request);
      yield* messagesOf(reply, method.desc.output, (cursor) => nextPage(method, request, context, cursor, options));
      read.resolve();
      if (context.signal.aborted) throw context.signal.reason;
      if (options.stopping.aborted) throw new ManagerError("unavailable", "the manager is being stopped: ask again");
      await done;
    } catch (error) {
      read.reject(error);
      throw errorOf(error, context);
    } finally {
      read.resolve();
      await done.catch(() => undefined);
    }
  };
}

function ask(
  method: Method,
  request: Message,
  { values }: HandlerContext,
  signal: AbortSignal,
  send: (reply: OperationReply) => Promise<void> | void,
  options: ServiceOptions,
): Promise<void> {
  const { name, permission, desc } = method;
  const caller = callerOf(values);
  const asked = method.read(request);
  const read = async (): Promise<Omit<OperationRequest, "path" | "principal">> => {
    if (permission !== undefined) demand(options.authorizer, caller.principal, permission, `use ${desc.name}`);
    const given = asked.read();
    const isAll = desc.methodKind === "server_streaming" && takesPages(name);
    return { ...given, signal, ...(isAll ? { query: new Map([...given.query, ["limit", pageItems]]) } : {}) };
  };
  return perform({ name, path: asked.path, ...caller }, read, send, options);
}

function takesPages(name: OperationName): boolean {
  return table[name].parameters.some((parameter) => parameter.name === "cursor");
}

/** The permission was asked for with the first page. */
function nextPage(
  method: Method,
  request: Message,
  { values, signal }: HandlerContext,
  cursor: string,
  { operations }: ServiceOptions,
): Promise<OperationReply> {
  const { path, read } = method.read(request);
  const given = read();
  const query = new Map([...given.query, ["limit", pageItems] as const, ["cursor", cursor] as const]);
  return operations[method.name]({ ...given, query, path, principal: callerOf(values).principal, signal });
}

/** What a call that was cut short is told is why: its deadline, or that it was cancelled. */
function errorOf(error: unknown, { signal }: HandlerContext): ConnectError {
  const reason: unknown = signal.aborted ? signal.reason : error;
  return reason instanceof ConnectError ? reason : toRpcError(ManagerError.from(error));
}
