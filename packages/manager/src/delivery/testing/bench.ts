/** The whole room over a store in memory, with real sockets, a clock that the test moves, and streams that it writes. */
import type { DeadLetter, WebhookInput } from "@mcp-manager/api";
import { parseWebhook } from "@mcp-manager/api";
import { ManualClock } from "../../base/clock.ts";
import { seededRandom } from "../../base/random.ts";
import { kinds } from "../../registry/kinds.ts";
import { Registry } from "../../registry/registry.ts";
import { createSealer, toSealKey } from "../../security/seal.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { DeadLetters } from "../dead-letters.ts";
import { Delivery } from "../delivery.ts";
import { collectDeliveryState, DeliveryMetrics } from "../delivery-metrics.ts";
import { EgressGuard, type Resolver } from "../egress/guard.ts";
import { Poster } from "../egress/post.ts";
import { EventHandlers } from "../event-handlers.ts";
import { Replays } from "../replays.ts";
import { retryRule } from "../retry-rule.ts";
import { type Attempts, Sender } from "../sender.ts";
import { WebhookSecrets } from "../webhook-secrets.ts";
import { WebhookWrites } from "../webhook-writes.ts";
import { WrittenStreams } from "./events.ts";

/** What outlives a restart. */
export interface World extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly streams: WrittenStreams;
}

/** Opens one, empty. */
export async function openWorld(): Promise<World> {
  const clock = new ManualClock();
  const store = await openMemoryStore({ clock, random: seededRandom(7) });
  return { store, clock, streams: new WrittenStreams(), [Symbol.asyncDispose]: () => store.close() };
}

export interface BenchOptions {
  /** Default: `127.0.0.1`. */
  readonly allow?: readonly string[];
  readonly resolver?: Resolver;
  readonly deadLettersMax?: number;
  readonly secrets?: Readonly<Record<string, string>>;
}

/** One life of the room. */
export interface Bench extends AsyncDisposable {
  readonly registry: Registry;
  readonly writes: WebhookWrites;
  readonly delivery: Delivery;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  readonly handlers: EventHandlers;
  readonly metrics: Metrics;
  /** Those that were added, in their order. */
  readonly buried: DeadLetter[];
  /** What was logged, line by line. */
  readonly lines: string[];
  /** Lets so much time pass by the clock; attempts that begin meanwhile end before it goes on. */
  passTime(ms: number): Promise<void>;
  /** Makes a webhook of the name `ops`. */
  hook(spec: WebhookInput["spec"], name?: string): Promise<void>;
}

/** Starts the room in a world. */
export async function openBench({ store, clock, streams }: World, options: BenchOptions = {}): Promise<Bench> {
  const random = seededRandom(11);
  const registry = new Registry({ store, clock, random });
  const metrics = new Metrics();
  const counts = new DeliveryMetrics(metrics);
  const guard = new EgressGuard(options.allow ?? ["127.0.0.1"], options.resolver ?? inside);
  const sealer = createSealer([toSealKey(Buffer.alloc(32, 1))], clock, random);
  const resolveSecret = (text: string): Promise<string> => {
    const found = options.secrets?.[text];
    return found === undefined ? Promise.reject(new Error(`there is no ${text}`)) : Promise.resolve(found);
  };
  const secrets = new WebhookSecrets({ registry, sealer, resolveSecret });
  let underWay = 0;
  const real = new Sender({ poster: new Poster({ guard, clock }), secrets, clock });
  const sender: Attempts = {
    attempt(webhook, sent, signal) {
      underWay += 1;
      return real.attempt(webhook, sent, signal).finally(() => (underWay -= 1));
    },
  };
  const lines: string[] = [];
  const logger = createLogger({ sink: { write: (text) => lines.push(text) }, clock, redact: (text) => text });
  const buried: DeadLetter[] = [];
  const deadLetters = new DeadLetters({
    registry,
    clock,
    ...(options.deadLettersMax === undefined ? {} : { max: options.deadLettersMax }),
    onAdded: (letter) => void buried.push(letter),
    onDropped: () => counts.dropped(),
  });
  await deadLetters.start();
  const onTrouble = (subject: string, error: Error): void => void lines.push(`${subject}: ${error.message}`);
  const handlers = new EventHandlers({ streams, deadLetters, clock, random, onTrouble });
  const replays = new Replays({ registry, deadLetters, sender, handlers, metrics: counts, onTrouble });
  const webhooks = registry.informer(kinds.Webhook);
  const parts = { registry, webhooks, streams, sender, deadLetters, metrics: counts };
  const delivery = new Delivery({ ...parts, rule: retryRule, clock, random, logger });
  collectDeliveryState(metrics, deadLetters, () => delivery.pending());
  webhooks.start();
  await webhooks.synced;
  delivery.start();
  const writes = new WebhookWrites({ registry, guard, secrets, delivery, deadLetters });
  return {
    registry,
    writes,
    delivery,
    deadLetters,
    replays,
    handlers,
    metrics,
    buried,
    lines,
    async passTime(ms) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await clock.advance(Math.min(stepMs, ms - passed));
        await until("every attempt is over", () => underWay === 0);
      }
    },
    async hook(spec, name = "ops") {
      await writes.put(parseWebhook({ metadata: { name }, spec }), undefined);
    },
    async [Symbol.asyncDispose]() {
      await delivery[Symbol.asyncDispose]();
      await replays[Symbol.asyncDispose]();
      await handlers[Symbol.asyncDispose]();
      await webhooks[Symbol.asyncDispose]();
    },
  };
}

/** Well below the time that an attempt has. */
const stepMs = 1_000;

/** Every name leads inside. */
const inside: Resolver = { addresses: () => Promise.resolve(["10.0.0.1"]) };

/** Lets everything that is ready happen until it is so; for a few seconds at most. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`it never came to be that ${what}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
