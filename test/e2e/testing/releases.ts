/**
 * Versions of one server (release-server.mjs) as deployments bring them, and callers of both eras who write down which version each of
 * their lists and calls came from.
 */
import assert from "node:assert/strict";
import type { Deployment, DeploymentPhase, Server } from "@mcp-manager/api";
import { root, type ManagerProcess, until } from "./manager.ts";
import { initialize, request, type SendOptions, type Wire } from "./mcp.ts";
import { sendModern } from "./modern.ts";

export interface Release {
  readonly version: number;
  readonly era?: "legacy" | "modern";
  readonly describe?: string;
  readonly lacks?: readonly string[];
  /** Of ten calls of `which`, so many fail. */
  readonly fails?: number;
  readonly slowMs?: number;
  readonly broken?: boolean;
  /** It ends before it says anything while there is no such file. */
  readonly needs?: string;
  /** It never says anything. */
  readonly mute?: boolean;
}

/** The source of a version. */
export function releaseSource(release: Release): object {
  const args = [`${root}/test/e2e/testing/release-server.mjs`, JSON.stringify(release)];
  return { kind: "process", command: process.execPath, args };
}

/** One request to the management API; the answer's body is parsed. */
export async function api(
  { url, key }: ManagerProcess,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly headers: Headers; readonly json: Record<string, unknown> }> {
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> };
}

/** Applies a spec; gives the name of the deployment that begins, null when nothing has to run otherwise. */
export async function apply(manager: ManagerProcess, server: string, spec: object): Promise<string | null> {
  const { status, headers, json } = await api(manager, "PUT", `servers/${server}`, {
    metadata: { name: server },
    spec,
  });
  assert.ok(status === 200 || status === 201, JSON.stringify(json));
  return headers.get("mcp-manager-deployment");
}

/** Applies a version; gives the name of the deployment that begins. */
export async function deploy(manager: ManagerProcess, server: string, release: Release, spec: object): Promise<string> {
  const name = await apply(manager, server, { ...spec, source: releaseSource(release) });
  assert.ok(name, "the answer names the deployment");
  return name;
}

export async function deploymentOf(manager: ManagerProcess, name: string): Promise<Deployment> {
  const { status, json } = await api(manager, "GET", `deployments/${name}`);
  assert.equal(status, 200, JSON.stringify(json));
  return json as unknown as Deployment;
}

export async function serverOf(manager: ManagerProcess, name: string): Promise<Server> {
  return (await api(manager, "GET", `servers/${name}`)).json as unknown as Server;
}

/** Resolves with the deployment when it is in one of these phases; says where it was when that does not come. */
export async function reaches(
  manager: ManagerProcess,
  name: string,
  ...phases: readonly DeploymentPhase[]
): Promise<Deployment> {
  let last: Deployment | undefined;
  await until(`${name} is ${phases.join(" or ")}`, async () => {
    last = await deploymentOf(manager, name);
    return phases.includes(last.status.phase);
  }).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(last?.status)}`, { cause: error });
  });
  assert.ok(last);
  return last;
}

/** What one caller was told once. */
export interface Seen {
  readonly who: string;
  readonly what: "list" | "call";
  /** The version that it came from; undefined when it failed. */
  readonly version: number | undefined;
  readonly text: string;
}

export interface TrafficOptions {
  readonly server: string;
  /** Callers of each era, each with a key and a name of its own. */
  readonly callers: number;
  /** Default: the endpoint of all servers. */
  readonly path?: string;
}

/** Callers who list and call, one after the other without a pause, until `stop`. */
export class Traffic {
  readonly #manager: ManagerProcess;
  readonly #options: TrafficOptions;
  readonly #seen: Seen[] = [];
  readonly #running: Promise<unknown>;
  #isOver = false;

  static async start(manager: ManagerProcess, options: TrafficOptions): Promise<Traffic> {
    const names = ["legacy", "modern"].flatMap((era) =>
      Array.from({ length: options.callers }, (_, at) => `${era}-${options.server}-${at}`),
    );
    const keys = await Promise.all(
      names.map(async (name) => {
        const input = { metadata: { name }, spec: { roles: ["caller" as const] } };
        return { name, key: (await manager.client.apiKeys.create(input)).key };
      }),
    );
    return new Traffic(manager, options, keys);
  }

  private constructor(
    manager: ManagerProcess,
    options: TrafficOptions,
    keys: readonly { readonly name: string; readonly key: string }[],
  ) {
    this.#manager = manager;
    this.#options = options;
    this.#running = Promise.all(keys.map(({ name, key }) => this.#call(name, key)));
  }

  get seen(): readonly Seen[] {
    return this.#seen;
  }

  /** Ends the load; gives everything that was seen, in the order of its coming. */
  async stop(): Promise<readonly Seen[]> {
    this.#isOver = true;
    await this.#running;
    return this.#seen;
  }

  async #call(who: string, key: string): Promise<void> {
    const { server, path = "/mcp" } = this.#options;
    const options: SendOptions = { path, key };
    const prefix = path === "/mcp" ? `${server}__` : "";
    let session = who.startsWith("legacy") ? await initialize(this.#manager, options) : undefined;
    const send = async (method: string, params: Readonly<Record<string, unknown>>): Promise<Wire> => {
      if (session === undefined) return sendModern(this.#manager, method, params, options);
      const answer = await request(this.#manager, session, method, params, options);
      if (answer.status !== 404) return answer;
      // The end of a session is no failure: the client opens another, as the specification says.
      session = await initialize(this.#manager, options);
      return request(this.#manager, session, method, params, options);
    };
    while (!this.#isOver) {
      const list = await send("tools/list", {});
      this.#seen.push({ who, what: "list", version: listed(list, prefix), text: list.text });
      const called = await send("tools/call", { name: `${prefix}which`, arguments: {} });
      this.#seen.push({ who, what: "call", version: told(called), text: called.text });
    }
  }
}

/** The version whose list this is; undefined for an error, and for a list without tools of that prefix. */
export function listed(answer: Wire, prefix: string): number | undefined {
  const tools = answer.json().result?.["tools"] as readonly { readonly name: string }[] | undefined;
  const own = (tools ?? []).filter(({ name }) => name.startsWith(prefix));
  if (answer.status !== 200 || own.length === 0) return undefined;
  return Math.max(1, ...own.map(({ name }) => Number(/added_(\d+)$/.exec(name)?.[1] ?? 1)));
}

/** The version that `which` tells; undefined for an error. */
export function told(answer: Wire): number | undefined {
  const content = answer.json().result?.["content"] as readonly { readonly text: string }[] | undefined;
  return answer.status === 200 && content?.[0] !== undefined ? Number(content[0].text) : undefined;
}

/** What each caller saw, in the order of its coming. */
export function byCaller(seen: readonly Seen[]): readonly (readonly Seen[])[] {
  return [...Map.groupBy(seen, ({ who }) => who).values()];
}

/** What failed. */
export function failures(seen: readonly Seen[]): readonly Seen[] {
  return seen.filter(({ version }) => version === undefined);
}

/** Callers who went back to a version that they had left, each with how it began: with a mixture of two catalogues that happens. */
export function mixtures(seen: readonly Seen[]): readonly string[] {
  return byCaller(seen.filter(({ version }) => version !== undefined)).flatMap((own) => {
    const at = own.findIndex(({ version = 0 }, index) => version < (own[index - 1]?.version ?? 0));
    if (at < 0) return [];
    const around = own.slice(Math.max(0, at - 3), at + 3).map(({ what, version }) => `${what} ${version}`);
    return [`${own[0]?.who} at ${at} of ${own.length}: ${around.join(", ")}`];
  });
}
