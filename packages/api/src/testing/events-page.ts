/** The reference of events, written from the tables of topics. `pages.test.ts` compares it with `docs/reference/events.md`. */
import type { EventTopic } from "../event.ts";
import { passingTopics, storedTopics } from "../topics.ts";

/** What stands in `data` of each topic. Typed as a Record, so that a new topic does not compile without its words. */
const data: Readonly<Record<EventTopic, string>> = {
  "server.registered": "`state`, `generation`; `resource`",
  "server.changed": "`generation`; `resource`",
  "server.removed": "`from`: its last state",
  "server.state": "`from`, `to`; `resource`",
  "server.failed": "`from`, `to`; `resource`",
  "deployment.phase": "`deployment`, `from`, `to`, `reason`, `weight` (percent to the new revision)",
  "replica.state": "`from`, `to`",
  "access.changed": "`key`, `principal`, `change`: `made`, `changed`, `revoked`",
  "config.changed":
    "`breaker` and `by`; or `webhook` or `secret` (its name) and `change`: `made`, `changed`, `taken away`",
  "server.drift": "–",
  "replica.health": "`from`, `to`, `reason`",
  "replica.ejected": "`ejected`: whether it is put aside; `reason`",
  "replica.held-off": "`forMs`",
  "breaker.state": "`from`, `to`",
  "overload.stage": "`from`, `to`",
  "access.denied":
    "`action`, `who`, `reason`, `address`; `untold`: how many refusals before it were not told, of more than ten a second",
  "config.file": "what came of it",
  "metric.sample":
    "of the last 10 s: `requests`; of those `failures` (no answer), `errors` (an answer that says so), `refused` (a limit); `meanMs`. Only of servers that were asked something, and once when that ends",
  "delivery.dead": "the dead letter",
};

/** The page, in Markdown. */
export function eventsPage(): string {
  const rows = (table: Readonly<Record<string, string>>): readonly string[] =>
    Object.entries(table).map(([topic, says]) => `| \`${topic}\` | ${says} | ${data[topic as EventTopic]} |`);
  const head = ["| topic | says that | `data`, and what else |", "| --- | --- | --- |"];
  return [
    intro,
    "## Stored topics",
    "",
    stored,
    ...head,
    ...rows(storedTopics),
    "",
    "## Passing topics",
    "",
    passing,
    ...head,
    ...rows(passingTopics),
    "",
    items,
  ].join("\n");
}

const intro = `# Events

<!-- Written from packages/api/src/topics.ts. To change it, change that and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/api/src/pages.test.ts -->

What happens, as \`GET /api/v1/events\` tells it ([how to use it](../guides/events.md)). An event is an object:

| member | meaning |
| --- | --- |
| \`topic\` | what it is about: one of the below |
| \`at\` | when, in RFC 3339; of what was caught up on and does not say so itself, not before what was told before it |
| \`revision\` | the store revision of the change; only of stored topics |
| \`server\`, \`replica\` | whom it happened to; without, the instance, or what \`data\` names |
| \`message\` | what changed, in one sentence, without secrets |
| \`severity\` | \`info\`, or \`warning\` when somebody should look |
| \`data\` | the same for machines |
| \`resource\` | the Server as the change left it, as the reader may see it |

A **pattern** names topics by words between dots: \`*\` is one word, \`#\` any number of them, a lone \`*\` everything: \`server.*\`, \`*.state\`, \`deployment.#\`.
`;

const stored = `They follow from what is stored: each is told to every reader, once and in order, also after a cut and after a restart of the manager.
`;

const passing = `They are said once, to whoever listens, and kept nowhere but in the memory of the instance: a reader that is too slow is told how many it
missed.
`;

const items = `## Other blocks of the stream

| block | meaning |
| --- | --- |
| \`id:\` without data | everything up to this position was told; browsers remember it, and show nothing |
| \`event: missed\`, \`{"count"}\` | so many passing events came faster than they were read |
| \`event: reset\`, \`{"reason"}\` | there is no going on from the position that was given: \`compacted\` (the store keeps about the last hour) or \`unknown-position\`; a snapshot follows |
| \`event: snapshot\`, \`{"resource"}\` | a Server as it is at the position that the next \`synced\` names |
| \`event: synced\`, \`{"position"}\` | the snapshot is complete; what follows came after this position |

The \`id\` of an event is the position after it, and stands on the last event of its store revision that was asked for; passing events have none. A comment
comes every 15 s. Who takes nothing for a minute is disconnected, and goes on from where it was.
`;
