/** One caller of a server of releases.ts, of either era, who is asked which version it sees and which one answers it. */
import { keyOf } from "./members.ts";
import type { ManagerProcess } from "./manager.ts";
import { initialize, request, type SendOptions, type Wire } from "./mcp.ts";
import { sendModern } from "./modern.ts";
import { listed, told } from "./releases.ts";

/** Who calls, and where. */
export interface CallerOptions extends SendOptions {
  readonly path: string;
  /** Default `modern`. */
  readonly era?: "legacy" | "modern";
  /** What the client calls itself. */
  readonly client?: string;
}

export class Caller {
  readonly #manager: ManagerProcess;
  readonly #options: CallerOptions;
  readonly #session: string | undefined;

  /** Without a key it is the admin. A legacy one has a session of its own. */
  static async open(manager: ManagerProcess, options: CallerOptions): Promise<Caller> {
    const { era = "modern", client: clientName = "wire" } = options;
    const session = era === "legacy" ? await initialize(manager, { ...options, clientName }) : undefined;
    return new Caller(manager, options, session);
  }

  /** One with a new key that may call, and nothing else. */
  static async named(manager: ManagerProcess, name: string, options: CallerOptions): Promise<Caller> {
    return Caller.open(manager, { ...options, key: await keyOf(manager, name) });
  }

  private constructor(manager: ManagerProcess, options: CallerOptions, session: string | undefined) {
    this.#manager = manager;
    this.#options = options;
    this.#session = session;
  }

  send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Wire> {
    if (this.#session !== undefined) return request(this.#manager, this.#session, method, params, this.#options);
    const clientInfo = { name: this.#options.client ?? "wire", version: "1" };
    const meta = { "io.modelcontextprotocol/clientInfo": clientInfo };
    return sendModern(this.#manager, method, params, { ...this.#options, meta });
  }

  /** Calls a tool without arguments. */
  call(name: string): Promise<Wire> {
    return this.send("tools/call", { name, arguments: {} });
  }

  /** The version of its list, and the one that answers; undefined for what failed. */
  async sees(): Promise<readonly [list: number | undefined, call: number | undefined]> {
    return [listed(await this.send("tools/list"), ""), told(await this.call("which"))];
  }

  /** Names of the tools that it is shown. */
  async tools(): Promise<readonly string[]> {
    const tools = (await this.send("tools/list")).json().result?.["tools"] as readonly { readonly name: string }[];
    return tools.map(({ name }) => name);
  }
}
