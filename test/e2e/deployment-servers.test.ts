/** Deployments of servers that are not just processes: elsewhere, with a process for each principal, asleep, and from a configuration file. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startHttpServer } from "./testing/http-server.ts";
import { startManager, type ManagerProcess, until } from "./testing/manager.ts";
import { Caller } from "./testing/release-caller.ts";
import { apply, deploy, failures, mixtures, reaches, releaseSource, serverOf, Traffic } from "./testing/releases.ts";

let manager: ManagerProcess;

before(async () => {
  manager = await startManager({ config: JSON.stringify({ agent: { spares: 0 } }) });
});
after(() => manager[Symbol.asyncDispose]());

const deployment = { drainTimeout: "1s" };
const strategies = {
  rolling: { kind: "rolling", minReady: "200ms" },
  "blue-green": { kind: "blue-green", scaleDownDelay: "0s" },
  recreate: { kind: "recreate" },
  canary: {
    kind: "canary",
    steps: [
      { weight: 30, pause: "500ms" },
      { weight: 60, pause: "500ms" },
    ],
    analysis: [],
  },
} as const;

async function version(server: string, on: ManagerProcess = manager): Promise<readonly (number | undefined)[]> {
  return (await Caller.open(on, { path: `/servers/${server}/mcp` })).sees();
}

/** Principals of either era who may see which revision answers, and call one after the other until they are stopped. */
class Callers {
  readonly seen: (readonly (string | null)[])[] = [];
  readonly #running: Promise<unknown>;
  #isOver = false;

  static async start(server: string, count: number): Promise<Callers> {
    const path = `/servers/${server}/mcp`;
    const callers = (["legacy", "modern"] as const).flatMap((era) =>
      Array.from({ length: count }, async (_, at) => {
        const name = `${server}-${era}-${at}`;
        const created = await manager.client.apiKeys.create({ metadata: { name }, spec: { roles: ["operator"] } });
        return () => Caller.open(manager, { path, era, key: created.key });
      }),
    );
    return new Callers(await Promise.all(callers));
  }

  private constructor(openers: readonly (() => Promise<Caller>)[]) {
    this.#running = Promise.all(openers.map((open) => this.#call(open)));
  }

  get count(): number {
    return this.seen.reduce((sum, { length }) => sum + length, 0);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #call(open: () => Promise<Caller>): Promise<void> {
    const revisions: (string | null)[] = [];
    this.seen.push(revisions);
    let caller = await open();
    while (!this.#isOver) {
      let answer = await caller.call("echo");
      if (answer.status === 404) {
        // The end of a session is no failure: the client opens another.
        caller = await open();
        answer = await caller.call("echo");
      }
      const isAnswered = answer.status === 200 && answer.json().result !== undefined;
      revisions.push(isAnswered ? answer.headers.get("mcp-manager-revision") : answer.text);
    }
  }
}

for (const kind of ["rolling", "canary"] as const) {
  for (const era of ["legacy", "modern"] as const) {
    test(`a ${era} server elsewhere gets another address by ${kind}, and no call fails`, async () => {
      await using blue = await startHttpServer(era);
      await using green = await startHttpServer(era);
      const name = `elsewhere-${kind}-${era}`;
      const spec = { replicas: kind === "rolling" ? 2 : 1, strategy: strategies[kind], deployment };
      const at = (url: string): object => ({ ...spec, source: { kind: "remote", url } });
      await reaches(manager, (await apply(manager, name, at(blue.url))) ?? "", "Completed");
      const callers = await Callers.start(name, 4);
      await until("everybody has called", () => Promise.resolve(callers.count > 40));
      const next = (await apply(manager, name, at(green.url))) ?? "";
      const { status } = await reaches(manager, next, "Completed", "Aborted", "Failed", "Paused");
      assert.deepEqual([status.phase, status.schemaDiff?.class], ["Completed", "none"]);
      const [already, asked] = [callers.count, green.seen.length];
      await until("everybody has called again", () => Promise.resolve(callers.count > already + 40));
      await callers.stop();
      assert.ok(green.seen.length > asked);
      for (const revisions of callers.seen) {
        // What they see of the two: a row of the one, then a row of the other.
        const changes = revisions.filter((one, index) => one !== revisions[index - 1]);
        assert.deepEqual(changes, [`${name}-1`, `${name}-2`]);
      }
      await until("the old address is left alone", async () => {
        const { items } = await manager.client.servers.replicas(name);
        return items.every(({ spec: { revision } }) => revision === `${name}-2`);
      });
    });
  }
}

for (const sharing of ["per-principal", "per-session"] as const) {
  test(`who has a process of its own (${sharing}) has it of one version at a time, through a canary`, async () => {
    const spec = { sharing, strategy: strategies.canary, deployment };
    const name = `own-${sharing}`;
    await reaches(manager, await deploy(manager, name, { version: 1 }, spec), "Completed");
    const traffic = await Traffic.start(manager, { server: name, callers: 3 });
    await until("everybody has called", () => Promise.resolve(traffic.seen.length > 40));
    const next = await deploy(manager, name, { version: 2 }, spec);
    const { status } = await reaches(manager, next, "Completed", "Aborted", "Failed", "Paused");
    assert.equal(status.phase, "Completed", JSON.stringify(status));
    const already = traffic.seen.length;
    await until("everybody has called again", () => Promise.resolve(traffic.seen.length > already + 60));
    const seen = await traffic.stop();
    assert.deepEqual(failures(seen), []);
    assert.deepEqual(mixtures(seen), []);
    assert.ok(seen.slice(-12).every((one) => one.version === 2));
  });
}

for (const kind of ["rolling", "blue-green", "canary", "recreate"] as const) {
  test(`a server that sleeps is updated by ${kind}, sleeps again, and wakes as the next version`, async () => {
    const name = `sleepy-${kind}`;
    const spec = { autoscale: { min: 0, idleAfter: "1s" }, strategy: strategies[kind], deployment };
    const asleep = (): Promise<void> =>
      until("it sleeps", async () => (await serverOf(manager, name)).status.state === "idle");
    await reaches(manager, await deploy(manager, name, { version: 1 }, spec), "Completed");
    await asleep();
    const next = await deploy(manager, name, { version: 2 }, spec);
    const { status } = await reaches(manager, next, "Completed", "Aborted", "Failed", "Paused");
    assert.deepEqual([status.phase, status.schemaDiff?.class], ["Completed", "additive"]);
    await asleep();
    assert.deepEqual(await version(name), [2, 2]);
    const { items } = await manager.client.servers.replicas(name);
    assert.deepEqual(
      items.filter(({ spec: { drain } }) => drain !== true).map(({ spec: { revision } }) => revision),
      [`${name}-2`],
    );
  });
}

test("what a configuration file says otherwise at the next start is deployed; what it says as before leaves people's changes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-manager-file-"));
  const path = join(folder, "servers.json");
  const write = (changed: number): Promise<void> => {
    const common = { strategy: strategies.rolling, deployment };
    const servers = {
      changed: { ...common, source: releaseSource({ version: changed }) },
      kept: { ...common, source: releaseSource({ version: 1 }) },
    };
    return writeFile(path, JSON.stringify({ agent: { spares: 0 }, servers }));
  };
  const start = (): Promise<ManagerProcess> => startManager({ config: { path }, dataDir: join(folder, "data") });
  try {
    await write(1);
    let own = await start();
    try {
      await own.serversReady("changed", "kept");
      const { spec } = await serverOf(own, "kept");
      await reaches(own, await deploy(own, "kept", { version: 3 }, { ...spec }), "Completed");
      await own.end();
      await write(2);
      own = await start();
      await reaches(own, "changed-2-1", "Completed");
      assert.deepEqual(await version("changed", own), [2, 2]);
      await own.serversReady("kept");
      assert.deepEqual(await version("kept", own), [3, 3]);
      await own.end("SIGKILL");
      own = await start();
      await own.serversReady("changed", "kept");
      assert.deepEqual(
        [await version("changed", own), await version("kept", own)],
        [
          [2, 2],
          [3, 3],
        ],
      );
      const names = (await own.client.deployments.list()).items.map(({ metadata }) => metadata.name);
      assert.deepEqual(names.toSorted(), ["changed-1-1", "changed-2-1", "kept-1-1", "kept-2-1"]);
    } finally {
      await own.end();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
