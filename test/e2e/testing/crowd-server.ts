/**
 * A server for many callers at once, of either era, without an SDK between it and the wire. It is started as
 *
 *   node crowd-server.ts legacy|modern http|stdio <size>
 *
 * and prints the URL of its endpoint as its first line when it listens. Its tools:
 *
 *   hold       keeps every call until there are <size> of them, then sends each its progress (two notifications) and its answer, all
 *              of them in one shuffled order; both carry the argument `who`
 *   talk       the same with log messages in the place of progress
 *   mutter     answers at once, and logs `who` only when the next call comes
 *   ask        asks its caller who it is, and answers with `who` and with what it was told
 *   counts     how many calls it keeps, and how often it was told that one was given up; it answers those all the same
 *
 * Every question has the same id, as servers count for each session from the start. It ends with its standard input.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly who?: number };
    readonly requestState?: string;
    readonly inputResponses?: Readonly<Record<string, { readonly content?: { readonly who?: number } }>>;
    readonly _meta?: { readonly progressToken?: unknown };
  };
  readonly result?: { readonly content?: { readonly who?: number } };
}

/** Where the messages of one call go. */
type Send = (message: object) => void;

interface Held {
  readonly message: Message;
  readonly send: Send;
  step: number;
}

/** The questions that one client has open. */
type Questions = Map<unknown, (answer: Message) => void>;

const [era, transport, size = "1"] = process.argv.slice(2);
const isModern = era === "modern";
const serverInfo = { name: "crowd", version: "1" };
const capabilities = { tools: {}, logging: {} };
const tools = ["hold", "talk", "mutter", "ask", "counts"].map((name) => ({ name, inputSchema: { type: "object" } }));
const question = {
  message: "Who are you?",
  requestedSchema: { type: "object", properties: { who: { type: "number" } } },
};
const held: Held[] = [];
let cancelled = 0;
let onNextCall = (): void => {};

/** What is answered at once; undefined for calls. */
function ownAnswer({ method }: Message): object | undefined {
  if (method === "tools/list") return { tools, ...(isModern ? { ttlMs: 60_000, cacheScope: "public" } : {}) };
  if (method === "initialize" && !isModern) return { protocolVersion: "2025-11-25", capabilities, serverInfo };
  if (method === "ping" && !isModern) return {};
  if (method === "logging/setLevel" && !isModern) return {};
  if (method !== "server/discover" || !isModern) return undefined;
  const _meta = { "io.modelcontextprotocol/serverInfo": serverInfo };
  return { supportedVersions: ["2026-07-28"], capabilities, ttlMs: 60_000, cacheScope: "public", _meta };
}

function result(id: unknown, members: object): object {
  return { jsonrpc: "2.0", id, result: isModern ? { resultType: "complete", ...members } : members };
}

function said(value: unknown): object {
  return { content: [{ type: "text", text: JSON.stringify(value) }] };
}

function call(message: Message, questions: Questions, send: Send): void {
  onNextCall();
  onNextCall = () => {};
  if (message.params?.name === "mutter") return mutter(message, send);
  if (message.params?.name === "ask") return ask(message, questions, send);
  if (message.params?.name === "counts") return send(result(message.id, said([held.length, cancelled])));
  held.push({ message, send, step: 0 });
  if (held.length === Number(size)) release(held.splice(0));
}

function mutter({ id, params }: Message, send: Send): void {
  send(result(id, said("done")));
  onNextCall = () => send(logMessage(params?.arguments?.who));
}

function logMessage(data: unknown): object {
  return { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data } };
}

/** Every call as often as it has something to hear, in any order. */
function release(calls: readonly Held[]): void {
  const turns = calls.flatMap((each) => [each, each, each]);
  for (let i = turns.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [turns[i], turns[j]] = [turns[j] as Held, turns[i] as Held];
  }
  for (const each of turns) step(each);
}

function step(each: Held): void {
  const { id, params } = each.message;
  const who = params?.arguments?.who;
  each.step += 1;
  if (each.step === 3) return each.send(result(id, said(who)));
  if (params?.name === "talk") return each.send(logMessage(who));
  const progress = { progressToken: params?._meta?.progressToken, progress: each.step, message: String(who) };
  each.send({ jsonrpc: "2.0", method: "notifications/progress", params: progress });
}

function ask({ id, params }: Message, questions: Questions, send: Send): void {
  const who = params?.arguments?.who;
  if (!isModern) {
    questions.set("q", (answer) => send(result(id, said([who, answer.result?.content?.who]))));
    return send({ jsonrpc: "2.0", id: "q", method: "elicitation/create", params: question });
  }
  const told = params?.inputResponses?.["who"]?.content?.who;
  if (told !== undefined) return send(result(id, said([Number(params?.requestState), told])));
  const inputRequests = { who: { method: "elicitation/create", params: question } };
  send(result(id, { resultType: "input_required", inputRequests, requestState: String(who) }));
}

/** Hands an answer to the call that asked. */
function answered(answer: Message, questions: Questions): void {
  const onAnswer = questions.get(answer.id);
  questions.delete(answer.id);
  onAnswer?.(answer);
}

// --- stdio

function serveStdio(): void {
  const questions: Questions = new Map();
  const send: Send = (message) => void process.stdout.write(`${JSON.stringify(message)}\n`);
  createInterface({ input: process.stdin }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.method === undefined) return answered(message, questions);
    if (message.method === "notifications/cancelled") cancelled += 1;
    if (message.id === undefined) return;
    const own = ownAnswer(message);
    if (own !== undefined) send(result(message.id, own));
    else if (message.method === "tools/call") call(message, questions, send);
    else send({ jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "Method not found" } });
  });
}

// --- HTTP

/** Questions by session. */
const sessions = new Map<string, Questions>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.method === "DELETE") return void response.writeHead(200).end();
  if (request.method !== "POST") return void response.writeHead(405).end();
  const message = JSON.parse(body) as Message;
  const questions = sessions.get(String(request.headers["mcp-session-id"])) ?? new Map();
  if (message.method === undefined) answered(message, questions);
  if (message.method === "notifications/cancelled") cancelled += 1;
  if (message.method === undefined || message.id === undefined) return void response.writeHead(202).end();
  const own = ownAnswer(message);
  if (own !== undefined) return json(response, 200, result(message.id, own), message.method === "initialize");
  const error = { code: -32601, message: "Method not found" };
  if (message.method !== "tools/call") return json(response, 404, { jsonrpc: "2.0", id: message.id, error });
  response.writeHead(200, { "content-type": "text/event-stream" });
  // A client of the modern era gives its call up by leaving.
  response.on("close", () => (cancelled += isModern && !response.writableEnded ? 1 : 0));
  call(message, questions, (each) => {
    if (!response.destroyed) response.write(`data: ${JSON.stringify(each)}\n\n`);
    if ("result" in each) response.end();
  });
}

function json(response: ServerResponse, status: number, message: object, isOpening = false): void {
  const session = randomUUID();
  if (isOpening) sessions.set(session, new Map());
  response.writeHead(status, {
    "content-type": "application/json",
    ...(isOpening ? { "mcp-session-id": session } : {}),
  });
  response.end(JSON.stringify(message));
}

if (transport === "http") {
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
  });
  process.stdin.resume();
} else serveStdio();
process.stdin.on("end", () => process.exit(0));
