/**
 * Readers of events over a store on disk, while 10,000 changes are written, connections are cut at random, the manager is started
 * again and the store forgets its beginnings: what each reader was told, put together, is what was written.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { StreamItem } from "@mcp-manager/api";
import { Client } from "@mcp-manager/client";
import { kinds } from "../../packages/manager/src/registry/kinds.ts";
import { serverDraft } from "../../packages/manager/src/registry/testing/drafts.ts";
import { type EventDoor, openEventDoor } from "./testing/event-door.ts";

const changes = 10_000;
const servers = 50;
/** Small, so that readers fall out of it. */
const capacity = 300;
const endName = "the-end";

/** One change, as it was written and as it is told. */
interface Line {
  readonly revision: number;
  readonly what: string;
}

/** What was told without a break: everything after `from`. */
interface Stretch {
  readonly from: number;
  readonly lines: Line[];
  /** States by server, of one that begins with a snapshot. */
  readonly snapshot?: ReadonlyMap<string, string>;
}

/** Keeps what it is told; a slow one takes its time. */
class Reader {
  readonly stretches: Stretch[] = [];
  cuts = 0;
  position = "1";
  readonly #url: string;
  readonly #isSlow: boolean;

  constructor(url: string, isSlow: boolean) {
    this.#url = url;
    this.#isSlow = isSlow;
    this.stretches.push({ from: 1, lines: [] });
  }

  /** Until it is told of the end, or the signal. */
  async read(signal?: AbortSignal): Promise<void> {
    const client = new Client({ url: this.#url });
    const options = {
      after: this.position,
      onCut: () => (this.cuts += 1),
      ...(signal === undefined ? {} : { signal }),
    };
    let snapshot: Map<string, string> | undefined;
    for await (const item of client.events.watch(options)) {
      if ("position" in item && item.position !== undefined) ({ position: this.position } = item);
      if (item.kind === "reset") snapshot = new Map();
      if (item.kind === "snapshot") snapshot?.set(item.resource.metadata.name, item.resource.status.state);
      if (item.kind === "synced" && snapshot !== undefined) {
        this.stretches.push({ from: Number(item.position), lines: [], snapshot });
        snapshot = undefined;
      }
      if (item.kind === "event") this.stretches.at(-1)?.lines.push(lineOf(item));
      if (item.kind === "event" && item.event.server === endName) return;
      if (this.#isSlow && Math.random() < 0.02) await setTimeout(5);
    }
  }
}

function lineOf({ event }: Extract<StreamItem, { kind: "event" }>): Line {
  const to = event.data?.["to"] ?? event.data?.["state"];
  return { revision: Number(event.revision), what: `${event.server} ${String(to)}` };
}

/** Writes a server's state again and again, and keeps what was written. */
async function write(door: EventDoor, name: string, count: number, written: Line[]): Promise<void> {
  const stored = await door.registry.resources(kinds.Server).read(name);
  if (stored === undefined) {
    const { metadata } = await door.registry.resources(kinds.Server).create(serverDraft(name));
    written.push({ revision: Number(metadata.revision), what: `${name} pending` });
    return count > 1 ? await write(door, name, count - 1, written) : undefined;
  }
  let { resource, statusRevision } = stored;
  for (let done = 0; done < count; done += 1) {
    const state = resource.status.state === "ready" ? "idle" : "ready";
    const transaction = door.registry.transaction();
    resource = { ...resource, status: { ...resource.status, state } };
    transaction.putStatus(kinds.Server, { ...stored, resource, statusRevision }, resource.status);
    const result = await transaction.commit();
    assert.equal(result.kind, "committed");
    statusRevision = result.kind === "committed" ? result.revision : statusRevision;
    written.push({ revision: Number(statusRevision), what: `${name} ${state}` });
  }
}

/** A part of all changes, by all servers at once, while connections are cut. */
async function writeMany(door: EventDoor, count: number, written: Line[]): Promise<void> {
  const names = Array.from({ length: servers }, (_, at) => `server-${at}`);
  const done = new AbortController();
  const cutting = (async () => {
    while (!done.signal.aborted) {
      await setTimeout(100);
      door.cut((sockets) => sockets[Math.floor(Math.random() * sockets.length)]);
    }
  })();
  await Promise.all(names.map((name) => write(door, name, count / servers, written)));
  done.abort();
  await cutting;
}

function holdsAgainst(log: readonly Line[], { stretches }: Reader): void {
  const bounds = stretches.map(({ from }) => from);
  for (const [at, { from, lines, snapshot }] of stretches.entries()) {
    // Before it was told that it had missed something, a reader was told a beginning of what was written.
    const next = bounds[at + 1];
    const expected = log.filter(({ revision }) => revision > from);
    assert.deepEqual(lines, next === undefined ? expected : expected.slice(0, lines.length));
    if (snapshot === undefined) continue;
    const states = new Map(
      log.filter(({ revision }) => revision <= from).map(({ what }) => what.split(" ") as [string, string]),
    );
    assert.deepEqual(Object.fromEntries(snapshot), Object.fromEntries(states));
  }
}

test("what each reader was told, put together, is what was written: every change once and in order", async () => {
  const directory = await mkdtemp(join(tmpdir(), "event-history-"));
  const written: Line[] = [];
  const stop = new AbortController();
  let door = await openEventDoor(directory, capacity, 0);
  const { port } = door;
  try {
    const url = `http://127.0.0.1:${port}`;
    const readers = [false, false, false, true, true].map((isSlow) => new Reader(url, isSlow));
    const reading = Promise.all(readers.map((reader) => reader.read(stop.signal)));
    const absent = new Reader(url, false);
    const leaving = new AbortController();
    const away = absent.read(AbortSignal.any([leaving.signal, stop.signal]));
    await write(door, "the-beginning", 1, written);
    while ([...readers, absent].some(({ position }) => position === "1")) await setImmediate();
    leaving.abort();
    await away;
    await writeMany(door, changes * 0.6, written);
    await door[Symbol.asyncDispose]();
    await setImmediate();
    door = await openEventDoor(directory, capacity, port);
    await writeMany(door, changes * 0.2, written);
    // Whoever stayed goes on; whoever has been away since has to begin anew.
    const slowest = (): number => Math.min(...readers.map(({ position }) => Number(position)));
    while (slowest() <= Number(absent.position)) await setTimeout(10);
    await door.store.compact(BigInt(slowest()));
    const back = absent.read(stop.signal);
    await writeMany(door, changes * 0.2, written);
    await write(door, endName, 1, written);
    await Promise.all([reading, back]);
    const log = written.toSorted((a, b) => a.revision - b.revision);
    assert.equal(log.length, changes + 2);
    for (const reader of [...readers, absent]) holdsAgainst(log, reader);
    assert.ok(
      readers.every(({ stretches }) => stretches.length === 1),
      "nobody who stayed had to begin anew",
    );
    assert.equal(absent.stretches.length, 2);
    // By the restart all of them, and by each part somebody.
    assert.ok(readers.reduce((sum, { cuts }) => sum + cuts, 0) >= readers.length + 3);
  } finally {
    stop.abort();
    await door[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
});
