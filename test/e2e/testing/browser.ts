/**
 * A real browser (Debian's chromium, headless) and a web site for it: pages whose modules are the project's own sources, stripped of
 * their types as they are asked for. Nothing but what was asked for by the page is served, and only from this checkout.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "./manager.ts";

/** Where chromium is; undefined: not on this machine. */
export const chromium: string | undefined = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "chromium"))
  .find((path) => existsSync(path));

const imports = {
  "@mcp-manager/api": "/packages/api/src/index.ts",
  "@mcp-manager/client": "/packages/client/src/index.ts",
  zod: "/node_modules/zod/index.js",
};
const script = "/test/e2e/testing/page.ts";
const sources = /^\/(?:packages\/(?:api|client)\/src|node_modules\/zod|test\/e2e\/testing)\/[\w./-]+\.[jt]s$/;
/** A page that has said nothing by then has hung. */
const pageMsMax = 30_000;

/** A site that is there under any name; what its page posts comes out of `seen`. */
export class Site implements AsyncDisposable {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  #seen: PromiseWithResolvers<unknown> = Promise.withResolvers();

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  static async open(): Promise<Site> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Site(server);
  }

  /** Opens the page in a browser, under this host name and with these parameters, and resolves with what it posts. */
  async visit(browser: string, host: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    this.#seen = Promise.withResolvers();
    const profile = await mkdtemp(join(tmpdir(), "mcp-manager-browser-"));
    const url = `http://${host}:${this.port}/?${new URLSearchParams(parameters).toString()}`;
    const child = spawn(browser, [...flags(profile), url], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      // Whatever it keeps beside its profile goes away with it.
      env: { ...process.env, HOME: profile, TMPDIR: profile },
    });
    const said = text(child.stderr);
    const timer = setTimeout(() => this.#seen.reject(new Error("the page said nothing")), pageMsMax);
    const ended = once(child, "close");
    const early = ended.then(async () => Promise.reject(new Error(`the browser ended: ${await said}`)));
    try {
      return await Promise.race([this.#seen.promise, early]);
    } finally {
      clearTimeout(timer);
      early.catch(() => undefined);
      endAll(child);
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? "/", "http://site");
    if (pathname === "/seen") {
      this.#seen.resolve(JSON.parse(await text(request)));
      response.end();
    } else if (pathname === "/") {
      const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
      const page = `<!doctype html>${map}<script type="module" src="${script}${search.replaceAll("&", "&amp;")}"></script>`;
      response.writeHead(200, { "content-type": "text/html" }).end(page);
    } else if (sources.test(pathname) && !pathname.includes("..")) {
      const source = await readFile(join(root, pathname), "utf8");
      const module = pathname.endsWith(".ts") ? stripTypeScriptTypes(source) : source;
      response.writeHead(200, { "content-type": "text/javascript" }).end(module);
    } else {
      response.writeHead(404).end();
    }
  }
}

/** Two names of this machine that are not called local; no network, and no sandbox, which needs rights that tests do not have. */
function flags(profile: string): readonly string[] {
  return [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-proxy-server",
    "--host-resolver-rules=MAP page.test 127.0.0.1, MAP other.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    `--user-data-dir=${profile}`,
  ];
}

/** The browser is several processes, of one group. */
function endAll({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
