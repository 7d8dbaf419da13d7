/**
 * A manager with fake servers and callers, in which something goes wrong: starts them, keeps the books, and at its end, when the faults
 * have stopped, holds everything against the invariants. What goes wrong is the test's.
 */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server, ServerInput } from "@mcp-manager/api";
import { type ManagerProcess, type StartOptions, startManager, until } from "../../e2e/testing/manager.ts";
import { type FakeHttp, type FakeOptions, fakeSource, readJournal, startFakeHttp } from "./fake.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import * as invariants from "./invariants.ts";
import { FaultClient, type FaultClientOptions, Ledger } from "./ledger.ts";
import { descendantsOf, holdingsOf } from "./machine.ts";

/** A server of the scenario. */
export interface ServerPlan extends Omit<FakeOptions, "name"> {
  /** `proxied`: over HTTP, with a wire between it and the manager on which things can go wrong. Default `stdio`. */
  readonly over?: "stdio" | "http" | "proxied";
  /** The rest of its spec. */
  readonly spec?: object;
  /** It is not expected to work in the end. */
  readonly staysDown?: boolean;
}

export interface ScenarioOptions extends Pick<StartOptions, "args" | "env" | "launcher" | "nodeArgs"> {
  readonly servers: Readonly<Record<string, ServerPlan>>;
  /** Where the tests are root's: the manager is nobody's, whose processes the system counts. */
  readonly isNobodys?: boolean;
  /** Whether `moment` can be used. */
  readonly hasMoments?: boolean;
  /** A file system of this size holds the data, alone. */
  readonly dataMiB?: number;
  /** Settings of the manager. */
  readonly settings?: object;
  /** Time of a call, in milliseconds, where a plan says nothing else. Default 3 s. */
  readonly callTimeoutMs?: number;
  /** What the manager may hold more at the end. */
  readonly slack?: Partial<invariants.Slack>;
}

/** What tests leave running is theirs to say. */
const slackDefault: invariants.Slack = { descriptors: 64, rssBytes: 134_217_728, processes: Infinity };

export class Scenario implements AsyncDisposable {
  readonly ledger: Ledger = new Ledger();
  readonly tag: string = `fault-${randomUUID()}`;
  /** What no log, answer or status may show. */
  readonly canary: string = `canary-${randomUUID()}`;
  /** Generations of servers whose writes were acknowledged. */
  readonly acknowledged: Map<string, number> = new Map();
  readonly #options: ScenarioOptions;
  readonly #adminKey = `mcpm_${randomBytes(32).toString("base64url")}`;
  /** Of its own, with everything that it writes; it is gone at the end. */
  readonly folder: string;
  readonly #fakes = new Map<string, FakeHttp>();
  readonly #proxies = new Map<string, FaultProxy>();
  readonly #down = new Set<string>();
  readonly #keys: string[] = [];
  #manager: ManagerProcess | undefined;
  #baseline: invariants.AllHoldings | undefined;
  /** What managers before this one have printed. */
  #earlierOutput = "";

  /** Starts everything, and waits for the servers that are to work. */
  static async start(options: ScenarioOptions): Promise<Scenario> {
    const folder = await mkdtemp(join(tmpdir(), "mcp-manager-faults-"));
    const scenario = new Scenario(options, folder);
    try {
      await scenario.#open();
      return scenario;
    } catch (error) {
      await scenario.abandon();
      throw error;
    }
  }

  private constructor(options: ScenarioOptions, folder: string) {
    this.#options = options;
    this.folder = folder;
  }

  get manager(): ManagerProcess {
    assert.ok(this.#manager, "the manager is running");
    return this.#manager;
  }

  get journal(): string {
    return join(this.folder, "journal.jsonl");
  }

  get dataDir(): string {
    const path = join(this.folder, "data");
    return this.#options.dataMiB === undefined ? path : `/proc/${this.manager.pid}/root${path}`;
  }

  /** Does something to the manager from inside, see moment.mjs; resolves when it is done, or the loop held. */
  async moment(what: {
    readonly offsetMs?: number;
    readonly blockMs?: number;
    readonly ballastMiB?: number;
    readonly collect?: true;
  }): Promise<void> {
    const path = join(this.folder, "moment.json");
    await writeFile(path, JSON.stringify(what));
    process.kill(this.manager.pid, "SIGUSR2");
    await until("the moment has come", async () => !existsSync(path));
  }

  /** The fake of a server over HTTP. */
  fake(name: string): FakeHttp {
    const fake = this.#fakes.get(name);
    assert.ok(fake, `${name} is over HTTP`);
    return fake;
  }

  /** The wire to a server that is `proxied`. */
  wire(name: string): FaultProxy {
    const proxy = this.#proxies.get(name);
    assert.ok(proxy, `${name} is proxied`);
    return proxy;
  }

  /** How often a server was asked for something that it then did. */
  executed(server: string, method: string): number {
    return readJournal(this).filter((entry) => entry.server === server && entry.method === method).length;
  }

  /** How many calls of its tools a server has begun to execute. */
  executedCalls(server: string): number {
    return this.executed(server, "tools/call");
  }

  /** Samples of the manager's metrics by name and labels as written; those of a name without labels added up under the name alone. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const samples = new Map<string, number>();
    for (const [, name = "", labels = "", value] of (await this.#metricsText()).matchAll(/^(\w+)(\{.*\})? (\S+)$/gm)) {
      samples.set(name + labels, Number(value));
      if (labels !== "") samples.set(name, (samples.get(name) ?? 0) + Number(value));
    }
    return samples;
  }

  async #metricsText(): Promise<string> {
    const { url, key } = this.manager;
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
    return answer.text();
  }

  /** A new caller with a key and a token of its own. */
  async client(name: string, era: FaultClientOptions["era"], capabilities?: object): Promise<FaultClient> {
    const { key } = await this.manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["caller"] } });
    this.#keys.push(key);
    const { callTimeoutMs = 3_000 } = this.#options;
    const more = capabilities === undefined ? {} : { capabilities };
    const options = { era, key, token: `token-${randomUUID()}`, deadlineMs: callTimeoutMs, ...more };
    return new FaultClient(name, () => this.manager, this.ledger, options);
  }

  /** A server as the manager is told of it. */
  spec(name: string, { over = "stdio", spec, staysDown, ...options }: ServerPlan): object {
    if (staysDown === true) this.#down.add(name);
    const url = this.#proxies.get(name)?.url;
    const source = over === "stdio" ? fakeSource({ name, ...options }, this.#ground) : this.fake(name).source(url);
    const { callTimeoutMs = 3_000 } = this.#options;
    return { source, ...spec, limits: { callTimeout: `${callTimeoutMs}ms`, ...(spec as { limits?: object })?.limits } };
  }

  /** Registers a server through the API; its being kept is then an invariant. */
  async apply(name: string, plan: ServerPlan): Promise<void> {
    const server = { metadata: { name }, spec: this.spec(name, plan) } as ServerInput;
    const { metadata } = await this.manager.client.servers.apply(server);
    this.acknowledged.set(name, metadata.generation);
  }

  /** Ends the manager and starts it again on the same data; resolves when it takes traffic. */
  async restart(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.manager.end(signal);
    await this.again();
  }

  /** Starts the manager again after it has ended. */
  async again(): Promise<void> {
    this.#earlierOutput += this.manager.output;
    this.#manager = await this.#startManager();
  }

  /** What the manager may hold is what it holds now, and what the options allow beside it. */
  async takeBaseline(): Promise<invariants.AllHoldings> {
    return (this.#baseline = await this.holdings());
  }

  /**
   * What the manager holds, garbage not counted where it can be had collected, and not the connections of clients either: those are the
   * clients' to close.
   */
  async holdings(): Promise<invariants.AllHoldings> {
    if (this.#options.hasMoments === true) await this.moment({ collect: true });
    const clients = (await this.metrics()).get("mcp_manager_client_connections") ?? 0;
    const { descriptors, ...rest } = holdingsOf(this.manager.pid);
    return { ...rest, descriptors: descriptors - clients, processes: descendantsOf(this.manager.pid).length };
  }

  /** Holds what was sent so far against the invariants of calls; `nowMs` is for a moment at which some may be under way. */
  checkCalls(nowMs?: number): void {
    const { ledger } = this;
    none([
      ...invariants.endedOnce(ledger, nowMs),
      ...invariants.executedOnce(ledger, readJournal(this)),
      ...invariants.keptApart(ledger),
    ]);
  }

  /** What is to hold at any moment beside that: weights, what was acknowledged, and that the log shows no secret. */
  async checkServing(): Promise<void> {
    const before = new Map(this.acknowledged);
    const servers = await this.#servers();
    // What changes while it is asked for is for the next time.
    for (const [name, generation] of before) if (this.acknowledged.get(name) !== generation) before.delete(name);
    none([
      ...invariants.weighed(servers),
      ...invariants.writesKept(before, servers),
      ...invariants.secretsHidden(this.#secrets(), new Map([["the log", this.manager.output]])),
    ]);
  }

  async #servers(): Promise<readonly Server[]> {
    const servers: Server[] = [];
    for await (const server of this.manager.client.servers.all()) servers.push(server);
    return servers;
  }

  /** Everything, with the manager's end. Resolves when nothing is left; throws with all breaches. */
  async finish(): Promise<void> {
    try {
      this.checkCalls();
      await this.converge();
      none([...invariants.secretsHidden(this.#secrets(), await this.#texts())]);
      assert.equal(await this.manager.end("SIGTERM"), 0, this.manager.output.slice(-2_000));
    } finally {
      await this.abandon();
    }
    none(invariants.noOrphans(this.tag));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.finish();
  }

  /** Ends everything without a look at it. */
  async abandon(): Promise<void> {
    await this.#manager?.end("SIGTERM");
    for (const proxy of this.#proxies.values()) await proxy[Symbol.asyncDispose]();
    for (const fake of this.#fakes.values()) await fake.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  get #ground(): { readonly journal: string; readonly tag: string } {
    return { journal: this.journal, tag: this.tag };
  }

  async #open(): Promise<void> {
    await writeFile(this.journal, "");
    const { servers, isNobodys } = this.#options;
    if (isNobodys === true && isRoot) for (const path of [this.folder, this.journal]) await chown(path, nobody, nobody);
    for (const [name, { over, spec: _spec, staysDown: _staysDown, ...options }] of Object.entries(servers)) {
      if (over === undefined || over === "stdio") continue;
      const fake = await startFakeHttp({ name, ...options }, this.#ground);
      this.#fakes.set(name, fake);
      if (over === "proxied") this.#proxies.set(name, await startFaultProxy(fake.url));
    }
    this.#manager = await this.#startManager();
    await this.ready();
    await this.takeBaseline();
  }

  /** Resolves when every server that is to work does. */
  async ready(): Promise<void> {
    await this.manager.serversReady(...Object.keys(this.#options.servers).filter((name) => !this.#down.has(name)));
  }

  #startManager(): Promise<ManagerProcess> {
    const { servers, settings, env, args = [], launcher = [], nodeArgs = [], ...rest } = this.#options;
    const { isNobodys, hasMoments, dataMiB } = rest;
    const specs = Object.entries(servers).map(([name, plan]) => [name, this.spec(name, plan)]);
    const dataDir = join(this.folder, "data");
    return startManager({
      args,
      launcher: [
        ...launcher,
        ...(isNobodys === true ? asNobody : []),
        ...(dataMiB === undefined ? [] : ownFileSystem(dataDir, dataMiB)),
      ],
      nodeArgs: [...nodeArgs, ...(hasMoments === true ? ["--expose-gc", "--import", momentModule] : [])],
      config: { text: JSON.stringify({ ...settings, servers: Object.fromEntries(specs) }), folder: this.folder },
      dataDir,
      env: {
        FAULT_CANARY: this.canary,
        FAULT_MOMENT: join(this.folder, "moment.json"),
        MCP_MANAGER_ADMIN_KEY: this.#adminKey,
        ...env,
      },
    });
  }

  /** Resolves when all is as it should be and no more is held than before; throws with what is missing after a minute. */
  async converge(): Promise<void> {
    const { manager, acknowledged } = this;
    const slack = { ...slackDefault, ...this.#options.slack };
    let breaches: readonly string[] = [];
    const look = async (): Promise<boolean> => {
      const servers = await this.#servers();
      breaches = [
        ...invariants.converged(servers, this.#down),
        ...invariants.weighed(servers),
        ...invariants.writesKept(acknowledged, servers),
        ...invariants.noZombies(manager.pid),
        ...(this.#baseline === undefined ? [] : invariants.givenBack(this.#baseline, await this.holdings(), slack)),
      ];
      return breaches.length === 0;
    };
    // To have its memory collected holds a manager up: not again and again.
    const everyMs = this.#options.hasMoments === true ? 1_000 : 100;
    await until("it converges", look, everyMs).catch((error: Error) =>
      none([...breaches, `I6: ${error.message}: ${String(error.cause)}`]),
    );
  }

  #secrets(): readonly string[] {
    return [this.canary, this.manager.key, ...this.#keys, ...this.ledger.tokens.values()];
  }

  /** Everything that people and machines get to read of the manager. */
  async #texts(): Promise<ReadonlyMap<string, string>> {
    const { client, output } = this.manager;
    const texts = new Map([["the log", this.#earlierOutput + output]]);
    for await (const server of client.servers.all()) {
      const { name } = server.metadata;
      const { items } = await client.servers.replicas(name);
      texts.set(`the status of ${name}`, JSON.stringify([server, items]));
      const lines: string[] = [];
      for await (const { text } of client.servers.logs(name, { tail: 10_000 })) lines.push(text);
      texts.set(`the log of ${name}`, lines.join("\n"));
    }
    texts.set("the metrics", await this.#metricsText());
    const audit = join(this.dataDir, "audit");
    for (const file of await readdir(audit)) texts.set(`the audit ${file}`, await readFile(join(audit, file), "utf8"));
    return texts;
  }
}

/** Runs `body` in a scenario, which then has to hold; what the body throws comes first. */
export async function inScenario(options: ScenarioOptions, body: (scenario: Scenario) => Promise<void>): Promise<void> {
  const scenario = await Scenario.start(options);
  try {
    await body(scenario);
  } catch (error) {
    await scenario.abandon();
    throw error;
  }
  await scenario.finish();
}

const momentModule = join(import.meta.dirname, "moment.mjs");

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
/** Goes on as nobody where it is root. */
export const asNobody: readonly string[] = isRoot
  ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--"]
  : [];

/** Goes on in a mount namespace of its own, in which `path` is a small file system: it is gone with its last process. */
function ownFileSystem(path: string, sizeMiB: number): readonly string[] {
  const mount = `mkdir -p "$0" && mount -t tmpfs -o size=${sizeMiB}m,mode=700 tmpfs "$0" && exec "$@"`;
  return ["unshare", isRoot ? "--mount" : "--map-root-user", "--mount", "sh", "-c", mount, path];
}

function none(breaches: readonly string[]): void {
  if (breaches.length > 0) assert.fail(`\n${breaches.slice(0, 20).join("\n")}`);
}
