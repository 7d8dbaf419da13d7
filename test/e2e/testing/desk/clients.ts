/** The official clients of both generations, as far as the relay tests use them: one speaks the legacy era, one the modern one. */
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as LegacyTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

export interface CallOptions {
  readonly onprogress?: (progress: number) => void;
  readonly signal?: AbortSignal;
  /** Of log messages: none without it in the modern era. */
  readonly logLevel?: "debug" | "warning";
}

/** What a client is told on its own streams. */
export interface Heard {
  readonly logs: unknown[];
  readonly updated: string[];
  toolChanges: number;
}

/** A connected client. */
export interface DeskClient extends AsyncDisposable {
  readonly heard: Heard;
  /** Calls a tool; the text of its answer. */
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<string>;
  /** The names of all tools. */
  tools(): Promise<readonly string[]>;
  resources(): Promise<readonly string[]>;
  read(uri: string): Promise<string>;
  /** The text of a prompt's only message. */
  prompt(name: string, args: Record<string, string>): Promise<string>;
  complete(ref: Ref, argument: { readonly name: string; readonly value: string }): Promise<readonly string[]>;
  /** Hears of changes of the resource and of the list of tools from here on. */
  watch(uri: string): Promise<void>;
}

export type Ref =
  | { readonly type: "ref/prompt"; readonly name: string }
  | { readonly type: "ref/resource"; readonly uri: string };

export interface ConnectOptions {
  /** Whether it can be asked, and answers: Ada, yes, file:///home. Default: no. */
  readonly isAsked?: boolean;
}

export type Connect = (url: string, key: string, options?: ConnectOptions) => Promise<DeskClient>;

const info = { name: "relay", version: "1.0.0" };
const askable = { elicitation: { form: {} }, sampling: {}, roots: {} };
const roots = { roots: [{ uri: "file:///home" }] };
const elicited = { action: "accept" as const, content: { name: "Ada" } };
const sampled = { model: "m", role: "assistant" as const, content: { type: "text" as const, text: "yes" } };

/** SDK 1.32, which speaks 2025-11-25. */
export const connectLegacy: Connect = async (url, key, { isAsked = false } = {}) => {
  const heard: Heard = { logs: [], updated: [], toolChanges: 0 };
  const client = new LegacyClient(info, { capabilities: isAsked ? askable : {} });
  if (isAsked) {
    client.setRequestHandler(ElicitRequestSchema, () => elicited);
    client.setRequestHandler(CreateMessageRequestSchema, () => sampled);
    client.setRequestHandler(ListRootsRequestSchema, () => roots);
  }
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.logs.push(params.data));
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.updated.push(params.uri));
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (heard.toolChanges += 1));
  const transport = new LegacyTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } });
  await client.connect(transport);
  return {
    heard,
    async call(name, args = {}, { onprogress, signal, logLevel } = {}) {
      if (logLevel !== undefined) await client.setLoggingLevel(logLevel);
      const result = await client.callTool({ name, arguments: args }, undefined, options(onprogress, signal));
      return textOf(result.content);
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => readText((await client.readResource({ uri })).contents),
    prompt: async (name, args) => textOf((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    complete: async (ref, argument) => (await client.complete({ ref, argument })).completion.values,
    watch: async (uri) => void (await client.subscribeResource({ uri })),
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  };
};

/** SDK 2.4, which is held to 2026-07-28. */
export const connectModern: Connect = async (url, key, { isAsked = false } = {}) => {
  const heard: Heard = { logs: [], updated: [], toolChanges: 0 };
  const client = new ModernClient(info, {
    capabilities: isAsked ? askable : {},
    versionNegotiation: { mode: { pin: "2026-07-28" } },
  });
  if (isAsked) {
    client.setRequestHandler("elicitation/create", () => elicited);
    client.setRequestHandler("sampling/createMessage", () => sampled);
    client.setRequestHandler("roots/list", () => roots);
  }
  client.setNotificationHandler("notifications/message", ({ params }) => void heard.logs.push(params.data));
  client.setNotificationHandler("notifications/resources/updated", ({ params }) => void heard.updated.push(params.uri));
  client.setNotificationHandler("notifications/tools/list_changed", () => void (heard.toolChanges += 1));
  await client.connect(
    new ModernTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
  );
  return {
    heard,
    async call(name, args = {}, { onprogress, signal, logLevel } = {}) {
      const meta = logLevel === undefined ? {} : { _meta: { "io.modelcontextprotocol/logLevel": logLevel } };
      const result = await client.callTool({ name, arguments: args, ...meta }, options(onprogress, signal));
      return textOf(result.content);
    },
    tools: async () => (await client.listTools({}, { cacheMode: "refresh" })).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => readText((await client.readResource({ uri }, { cacheMode: "refresh" })).contents),
    prompt: async (name, args) => textOf((await client.getPrompt({ name, arguments: args })).messages[0]?.content),
    complete: async (ref, argument) => (await client.complete({ ref, argument })).completion.values,
    watch: async (uri) => void (await client.listen({ resourceSubscriptions: [uri], toolsListChanged: true })),
    [Symbol.asyncDispose]: () => client.close(),
  };
};

function options(
  onprogress: CallOptions["onprogress"],
  signal: AbortSignal | undefined,
): { onprogress?: (progress: { progress: number }) => void; signal?: AbortSignal } {
  return {
    ...(onprogress === undefined ? {} : { onprogress: ({ progress }) => onprogress(progress) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The text of a content block, or of the first of several. */
function textOf(content: unknown): string {
  const [block] = [content].flat() as readonly { readonly text?: string }[];
  return block?.text ?? "";
}

function readText([contents]: readonly object[]): string {
  return contents !== undefined && "text" in contents ? String(contents.text) : "";
}
