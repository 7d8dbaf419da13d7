/** Composition of what sends events to others: webhooks through the egress guard, dead letters, replays. Decides nothing. */
import { ManagerError, type Webhook } from "@mcp-manager/api";
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
import { kinds } from "../registry/kinds.ts";
import type { ManagerOptions } from "./options.ts";
import { passingStreams } from "./passing-streams.ts";
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
  const { registry, sealer, events } = state;
  const streams = passingStreams(events);
  const metrics = new DeliveryMetrics(state.metrics);
  const guard = new EgressGuard(settings.egress.allow, systemResolver);
  const secrets = new WebhookSecrets({ registry, sealer, resolveSecret: noSecrets });
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

function noSecrets(text: string): Promise<string> {
  return Promise.reject(new ManagerError("failed_precondition", `${text} names a secret, and there are none yet`));
}
