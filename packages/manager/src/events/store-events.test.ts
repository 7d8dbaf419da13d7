import assert from "node:assert/strict";
import type { ManagerError } from "@mcp-manager/api";
import { seededRandom } from "../base/random.ts";
import { kinds } from "../registry/kinds.ts";
import { serverDraft } from "../registry/testing/drafts.ts";
import { type Bench, onEachStore, until } from "../registry/testing/stores.ts";
import { EventBus } from "./bus.ts";
import { StoreEvents } from "./store-events.ts";

async function open({ registry, clock }: Bench) {
  const bus = new EventBus({ clock });
  const errors: ManagerError[] = [];
  const onError = (error: ManagerError): void => void errors.push(error);
  const storeEvents = new StoreEvents({ registry, bus, clock, random: seededRandom(1), onError });
  await storeEvents.start();
  const reader = bus.reader();
  const told: string[] = [];
  const read = (): readonly string[] => {
    told.push(...reader.read().items.map(({ event }) => `${event.topic} ${event.server}`));
    return told;
  };
  return { bus, errors, read, [Symbol.asyncDispose]: () => storeEvents[Symbol.asyncDispose]() };
}

onEachStore("what a store did while it was away is told when it comes back, once and in order", async (bench) => {
  await using events = await open(bench);
  const servers = bench.registry.resources(kinds.Server);
  await servers.create(serverDraft("one"));
  await until("the first", () => events.read().length === 1);
  bench.store.leave();
  await until("it is missed", () => events.errors.length > 0);
  bench.store.come();
  await servers.create(serverDraft("two"));
  await servers.delete("one");
  await bench.clock.advance(60_000);
  await until("the rest", () => events.read().length === 3);
  assert.deepEqual(events.read(), ["server.registered one", "server.registered two", "server.removed one"]);
});

onEachStore(
  "where the store has forgotten meanwhile what it did, what is different is told as one change",
  async (bench) => {
    await using events = await open(bench);
    const servers = bench.registry.resources(kinds.Server);
    await servers.create(serverDraft("one"));
    await until("the first", () => events.read().length === 1);
    bench.store.leave();
    await until("it is missed", () => events.errors.length > 0);
    bench.store.come();
    await servers.create(serverDraft("two"));
    await servers.create(serverDraft("brief"));
    await servers.delete("brief");
    await servers.delete("one");
    const { revision } = await bench.store.status();
    await bench.store.compact(revision);
    await until("it is told", () => {
      void bench.clock.advance(1_000);
      return events.read().length === 3;
    });
    assert.deepEqual(events.read().slice(1).toSorted(), ["server.registered two", "server.removed one"]);
    assert.equal(events.bus.revision, revision);
  },
);
