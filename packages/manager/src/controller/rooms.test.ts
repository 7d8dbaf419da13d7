/** Room on an instance as deployments ask for it, over records that a test changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Replica, Server } from "@mcp-manager/api";
import type { Capacity } from "./rollout/capacity.ts";
import type { Room } from "./rollout/rollout.ts";
import { Rooms } from "./rooms.ts";
import { deployment, replica, revision, server } from "./testing/world.ts";

/** Servers with two replicas of 64 processes each. */
class Instance {
  servers: Server[] = [];
  deployments: Deployment[] = [];
  replicas: Replica[] = [];
  readonly rooms: Rooms;

  constructor(capacity: Capacity) {
    const isOf = (name: string) => (one: Replica) => one.spec.server === name;
    this.rooms = new Rooms({
      capacity,
      servers: { list: () => this.servers },
      revisions: { get: () => revision(1) },
      deployments: { get: (name) => this.deployments.find(({ metadata }) => metadata.name === name) },
      replicas: { list: () => this.replicas, ofServer: (name) => this.replicas.filter(isOf(name)) },
      desiredOf: ({ spec }) => spec.replicas,
    });
  }

  /** A server's first deployment, or, for one that has replicas, its next. */
  deploy(name: string, how: Partial<Parameters<typeof deployment>[0]> = {}): void {
    const made = deployment({ from: null, to: `${name}-1`, ...how });
    this.deployments = [...this.deployments, { ...made, spec: { ...made.spec, server: name } }];
    const { metadata, spec, status, kind } = server({ replicas: 2 });
    const named = { ...status, deployment: made.metadata.name };
    this.servers = [
      ...this.servers.filter((one) => one.metadata.name !== name),
      { kind, spec, metadata: { ...metadata, name }, status: named },
    ];
  }

  /** A deployment that is there is in another phase. */
  enter(name: string, phase: Deployment["status"]["phase"]): void {
    this.deployments = this.deployments.map((one) =>
      one.metadata.name === name ? { ...one, status: { ...one.status, phase } } : one,
    );
  }

  start(name: string, count: number, revisionNumber = 1, drain = false): void {
    for (let at = 0; at < count; at++) {
      const made = replica(`${name}-r${this.replicas.length}`, 1, "ready", drain);
      const spec = { ...made.spec, server: name, revision: `${name}-${revisionNumber}` };
      this.replicas = [...this.replicas, { ...made, spec }];
    }
  }

  ask(name: string): Room["kind"] {
    const found = this.servers.find(({ metadata }) => metadata.name === name);
    const asking = this.deployments.find(({ metadata }) => metadata.name === found?.status.deployment);
    assert.ok(found !== undefined && asking !== undefined);
    const replicas = this.replicas.filter(({ spec }) => spec.server === name);
    return this.rooms.of({ server: found, replicas, deployment: asking }).kind;
  }
}

test("room that was given is taken from then on, though nothing of it is to be seen yet", () => {
  const instance = new Instance({ processes: 256 });
  for (const name of ["north", "east", "south"]) instance.deploy(name);
  assert.deepEqual(
    ["north", "east", "south"].map((name) => instance.ask(name)),
    ["enough", "enough", "lacking"],
  );
  assert.equal(instance.ask("east"), "enough", "who asks again is not in its own way");
  instance.enter("north-1-1", "Aborted");
  assert.equal(instance.ask("south"), "enough", "what is over gives its room back");
});

test("after a restart what has begun is known by its phase", () => {
  const instance = new Instance({ replicas: 3 });
  instance.deploy("north");
  instance.deploy("east");
  instance.enter("north-1-1", "Progressing");
  assert.equal(instance.ask("east"), "lacking");
  instance.start("north", 2);
  assert.equal(instance.ask("east"), "lacking", "what runs is not counted twice, nor left out");
});

test("what is under way keeps its room until its end, also what it gave up to take it again", () => {
  const instance = new Instance({ replicas: 4 });
  instance.deploy("north", { from: "north-0", strategy: { kind: "recreate" } });
  instance.enter("north-1-1", "SchemaCheck");
  instance.deploy("east");
  assert.equal(instance.ask("east"), "enough");
  instance.deploy("west");
  instance.start("east", 2);
  assert.equal(instance.ask("west"), "lacking");
});

test("what the deployment before leaves behind makes room: of a revision that gives way, and what ends already", () => {
  const blueGreen = { kind: "blue-green", autoPromote: true, previewFor: "0s", scaleDownDelay: "30s" } as const;
  const next = { from: "north-1", to: "north-3", strategy: blueGreen };
  const instance = new Instance({ replicas: 4 });
  instance.deploy("north", next);
  instance.start("north", 2);
  instance.start("north", 2, 2);
  assert.equal(instance.ask("north"), "enough");
  instance.start("north", 2, 3, true);
  assert.equal(instance.ask("north"), "enough");
  instance.start("east", 1);
  assert.equal(instance.ask("north"), "lacking", "what runs of other servers is taken");
});

test("an instance without bounds has room for everything", () => {
  const instance = new Instance({});
  instance.deploy("north");
  assert.equal(instance.ask("north"), "enough");
});
