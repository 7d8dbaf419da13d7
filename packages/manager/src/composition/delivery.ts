/** Composition of what sends events to others: webhooks through the egress guard, dead letters, replays. Decides nothing. */
import { findReferences, ManagerError, type Webhook } from "@mcp-manager/api";
import { viewFor } from "../api/operations/events.ts";
import type { Webhooks } from "../api/ports.ts";
import { DeadLetters } from "../delivery/dead-letters.ts";
import { Delivery } from "../delivery/delivery.ts";
import { collectDeliveryState, DeliveryMetrics } from "../delivery/delivery-metrics.ts";
import { EgressGuard } from "../delivery/egress/guard.ts";
import { Poster } from "../delivery/egress/post.ts";
import { systemResolver } from "../delivery/egress/resolver.ts";
import { EventHandlers } from "../delivery/event-handlers.ts";
import { Replays } from "../delivery/replays.ts";
import { retryRule } from "../delivery/retry-rule.ts";
import { Sender } from "../delivery/sender.ts";
import { WebhookSecrets } from "../delivery/webhook-secrets.ts";
import { WebhookWrites } from "../delivery/webhook-writes.ts";
import { BusStreams } from "../events/bus-streams.ts";
import { kinds } from "../registry/kinds.ts";
import type { Secrets } from "../security/secrets.ts";
import type { ManagerOptions } from "./options.ts";
import type { State } from "./state.ts";

/** What sends events to others, as far as others need it. */
export interface Deliveries {
  readonly webhooks: Webhooks;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  /** Where a part of the manager has itself told of events. */
  readonly handlers: EventHandlers;
}

/** What sends events to others, from where it stopped in an earlier life. */
export async function openDelivery(
  { settings, clock, random, logger }: ManagerOptions,
  state: State,
  scope: AsyncDisposableStack,
): Promise<Deliveries> {
  const { registry, secretSealer: sealer, events } = state;
  // Its own, because those of the doors end first.
  const streams = scope.use(new BusStreams({ bus: events, registry, clock, leastView: viewFor([]) }));
  const metrics = new DeliveryMetrics(state.metrics);
  const guard = new EgressGuard(settings.egress.allow, systemResolver);
  const secrets = new WebhookSecrets({ registry, sealer, resolveSecret: (text) => openSecret(text, state.secrets) });
  const sender = new Sender({ poster: new Poster({ guard, clock }), secrets, clock });
  const deadLetters = new DeadLetters({
    registry,
    clock,
    onDropped: () => metrics.dropped(),
    onAdded: ({ metadata: { name }, spec: { source, event }, status: { attempts, lastError } }) =>
      events.publish({
        topic: "delivery.dead",
        ...(event.server === undefined ? {} : { server: event.server }),
        message: `${event.topic} for ${source.kind} ${source.name} is dead letter ${name}: ${lastError}`,
        severity: "warning",
        data: { deadLetter: name, source: source.name, attempts },
      }),
  });
  await deadLetters.start();
  const onError = (error: ManagerError): void => logger.warn("the registry's cache has trouble", { error });
  const webhooks = scope.use(registry.informer<Webhook>(kinds.Webhook, { onError }));
  const onTrouble = (subject: string, error: ManagerError): void =>
    logger.warn("an event cannot be delivered", { subject, error });
  const handlers = scope.use(new EventHandlers({ streams, deadLetters, clock, random, onTrouble }));
  const replays = scope.use(new Replays({ registry, deadLetters, sender, handlers, metrics, onTrouble }));
  const parts = { registry, webhooks, streams, sender, deadLetters, metrics };
  const delivery = scope.use(new Delivery({ ...parts, rule: retryRule, clock, random, logger }));
  collectDeliveryState(state.metrics, deadLetters, () => delivery.pending());
  webhooks.start();
  await webhooks.synced;
  delivery.start();
  const writes = new WebhookWrites({ registry, guard, secrets, delivery, deadLetters });
  return { webhooks: writes, deadLetters, replays, handlers };
}

/** The value of the one secret that the text refers to. */
async function openSecret(text: string, secrets: Secrets): Promise<string> {
  const name = findReferences(text)[0]?.key ?? "";
  const value = await secrets.open(name);
  if (value !== undefined) return value;
  throw new ManagerError("failed_precondition", `the secret ${name} does not exist: mcp-manager secret set ${name}`);
}
