/**
 * The registry of the MCP project, or one that answers like it (its API v0.1): searching, and reading the description of one server.
 * Nothing that it answers is trusted: answers are bounded in size, time and number, and checked.
 */
import type { ServerJson } from "@mcp-manager/api";
import { ManagerError, parseServerJson } from "@mcp-manager/api";
import { isLoopback } from "./target.ts";

/** The one of the MCP project. */
export const officialRegistry = "https://registry.modelcontextprotocol.io";

export interface RegistryClientOptions {
  /** Where it answers, without `/v0.1`. */
  readonly url: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  /** How long an answer may take. Default: 15 seconds. */
  readonly timeoutMs?: number;
}

/** What a search found. */
export interface Found {
  readonly servers: readonly Listed[];
  /** Whether there are more than were asked for. */
  readonly isCut: boolean;
  /** How many descriptions could not be read. */
  readonly unreadable: number;
}

/** A description with what the registry itself says of it. */
export interface Listed {
  readonly server: ServerJson;
  /** `active`, `deprecated`, `deleted`; absent when it does not say. */
  readonly status?: string;
}

const timeoutMsDefault = 15_000;
const bytesMax = 8 * 1024 * 1024;
/** Servers of a page, as many as the official one gives; and pages before it counts as one without end. */
const pageItems = 100;
const pagesMax = 50;
const officialMeta = "io.modelcontextprotocol.registry/official";

export class RegistryClient {
  readonly url: string;
  readonly #options: RegistryClientOptions;

  /** Throws `invalid_argument` when the URL is none, or not safe. */
  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.url = rootOf(options.url);
  }

  /** The newest versions of servers whose names contain the term, at most `limit`. */
  async search(term: string, limit: number): Promise<Found> {
    const servers: Listed[] = [];
    let unreadable = 0;
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const query = new URLSearchParams({ search: term, version: "latest", limit: String(Math.min(limit, pageItems)) });
      if (cursor !== undefined) query.set("cursor", cursor);
      const answer = await this.#read(`/v0.1/servers?${query.toString()}`);
      const items = recordOf(answer)["servers"];
      if (!Array.isArray(items)) throw this.#strange("a list without servers");
      for (const item of items as readonly unknown[]) {
        const listed = this.#listed(item);
        if (listed === undefined) unreadable += 1;
        else if (listed.status !== "deleted") servers.push(listed);
      }
      const next = recordOf(recordOf(answer)["metadata"])["nextCursor"];
      const isLast = typeof next !== "string" || next === "";
      if (servers.length >= limit || isLast)
        return { servers: servers.slice(0, limit), isCut: servers.length > limit || !isLast, unreadable };
      if (next === cursor) throw this.#strange("the same page for ever");
      cursor = next;
    }
    return { servers, isCut: true, unreadable };
  }

  /** One version of a server, `latest` for its newest. `not_found`; `invalid_argument` when its description is broken. */
  async get(name: string, version: string): Promise<Listed> {
    const path = `/v0.1/servers/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`;
    const answer = await this.#read(path, () => {
      const what = version === "latest" ? `server "${name}"` : `version ${version} of "${name}"`;
      const words = name.slice(name.indexOf("/") + 1);
      return new ManagerError(
        "not_found",
        `the registry ${this.url} has no ${what}: look for it with mcp-manager registry search ${words}`,
      );
    });
    const { server } = recordOf(answer);
    return {
      server: parseServerJson(server ?? answer, `the description of ${name} at ${this.url}`),
      ...statusOf(answer),
    };
  }

  /** Undefined when it cannot be read: one broken description is no reason to find none. */
  #listed(item: unknown): Listed | undefined {
    try {
      return { server: parseServerJson(recordOf(item)["server"] ?? item, "a description"), ...statusOf(item) };
    } catch {
      return undefined;
    }
  }

  async #read(path: string, notFound?: () => ManagerError): Promise<unknown> {
    const { signal, timeoutMs = timeoutMsDefault } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const init = { headers: { accept: "application/json" }, signal: AbortSignal.any([signal, timeout]) };
      const response = await fetch(this.url + path, init);
      if (response.status === 404 && notFound !== undefined) throw notFound();
      if (!response.ok) throw this.#refused(response.status);
      return JSON.parse(await this.#text(response));
    } catch (error) {
      if (signal.aborted || error instanceof ManagerError) throw error;
      if (error instanceof SyntaxError) throw this.#strange("something that is no JSON");
      const why = timeout.aborted ? `not within ${timeoutMs / 1000} s` : reasonOf(error);
      throw this.#error("unavailable", `does not answer (${why}): try again, or name another with --registry`, error);
    }
  }

  async #text(response: Response): Promise<string> {
    const decoder = new TextDecoder();
    let bytes = 0;
    let text = "";
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw this.#strange(`more than ${bytesMax / 1024 / 1024} MiB`);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }

  #refused(status: number): ManagerError {
    if (status === 429) return this.#error("resource_exhausted", "was asked too often (HTTP 429): wait a minute");
    const what = status === 404 ? "has no API v0.1 there (HTTP 404)" : `answered HTTP ${status}`;
    return this.#error(status >= 500 ? "unavailable" : "protocol_error", `${what}: is --registry right?`);
  }

  #strange(what: string): ManagerError {
    return this.#error("protocol_error", `answered with ${what}: is --registry right?`);
  }

  #error(code: "unavailable" | "protocol_error" | "resource_exhausted", what: string, cause?: unknown): ManagerError {
    return new ManagerError(code, `the registry ${this.url} ${what}`, { cause });
  }
}

/** What it describes is run: nobody on the way may change it. */
function rootOf(text: string): string {
  const url = URL.parse(text);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(text));
  if (url !== null && isSafe && url.username === "" && url.search === "" && url.hash === "")
    return url.origin + url.pathname.replace(/\/+$/, "").replace(/\/v0(?:\.1)?$/, "");
  throw new ManagerError(
    "invalid_argument",
    `"${text.slice(0, 200)}" is not the URL of a registry: write it like ${officialRegistry} (http:// only on this machine)`,
  );
}

function statusOf(item: unknown): Pick<Listed, "status"> {
  const { status } = recordOf(recordOf(recordOf(item)["_meta"])[officialMeta]);
  return typeof status === "string" ? { status } : {};
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
  return error instanceof Error ? error.message : String(error);
}
