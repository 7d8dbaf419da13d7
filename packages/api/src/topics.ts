/** The topics of events, what each is about, and which of them a reader's patterns name. Pure. */
import { ManagerError } from "./error.ts";
import type { EventTopic, PassingTopic, StoredTopic } from "./event.ts";

/** What each stored topic says, in words. */
export const storedTopics: Readonly<Record<StoredTopic, string>> = {
  "server.registered": "a server was registered",
  "server.changed": "a server's spec or labels were changed, or its deletion was asked for",
  "server.removed": "a server is gone",
  "server.state": "a server changed its state",
  "server.failed": "a server went to the state failed",
  "deployment.phase": "a deployment went on, stopped or ended",
  "replica.state": "a replica changed its state",
  "access.changed": "an API key was made, changed or revoked",
  "config.changed": "a webhook, a secret or a decision about a breaker was made, changed or taken away",
};

/** What each passing topic says, in words. */
export const passingTopics: Readonly<Record<PassingTopic, string>> = {
  "server.drift": "a server lists something else than before within its revision",
  "replica.health": "the health of a replica changed",
  "replica.ejected": "a replica is put aside or taken back",
  "replica.held-off": "a replica is left alone, as its server asked for",
  "breaker.state": "a breaker changed its state",
  "overload.stage": "the load of this instance changed its stage",
  "access.denied": "somebody was refused",
  "config.file": "the configuration file was read again, or could not be",
  "metric.sample": "what a server did in the last ten seconds",
  "delivery.dead": "an event could not be delivered",
};

/** Every topic with what it says. */
export const topics: Readonly<Record<EventTopic, string>> = { ...storedTopics, ...passingTopics };

/** How many patterns a reader may give. */
const patternsMax = 32;

const patternLengthMax = 64;

/** Whether events of this topic carry a store revision, and are never lost. */
export function isStoredTopic(topic: EventTopic): topic is StoredTopic {
  return Object.hasOwn(storedTopics, topic);
}

/**
 * The topics that one of the patterns names: words by dots, in which `*` is any one word and `#` any number of them; a lone `*`, and no
 * pattern at all, is everything. Throws `invalid_argument` for one that is malformed or names no topic that there is.
 */
export function topicsMatching(patterns: readonly string[]): ReadonlySet<EventTopic> {
  const all = Object.keys(topics) as EventTopic[];
  if (patterns.length === 0) return new Set(all);
  const tooLong = patterns.find((pattern) => pattern.length > patternLengthMax);
  if (tooLong !== undefined) throw badPattern(tooLong, all);
  if (patterns.length > patternsMax) {
    const message = `${patterns.length} patterns of topics are too many: at most ${patternsMax} are taken`;
    throw new ManagerError("invalid_argument", message);
  }
  return new Set(
    patterns.flatMap((pattern) => {
      const found = all.filter((topic) => matches(topic, pattern));
      if (found.length === 0) throw badPattern(pattern, all);
      return found;
    }),
  );
}

function matches(topic: EventTopic, pattern: string): boolean {
  return pattern === "*" || matchesWords(topic.split("."), pattern.split("."));
}

/** A topic has two words, and a pattern is short: trying every length for a `#` costs little. */
function matchesWords(words: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === "#") return [...words, ""].some((_, at) => matchesWords(words.slice(at), rest));
  const [word, ...others] = words;
  return word !== undefined && (first === "*" || first === word) && matchesWords(others, rest);
}

function badPattern(pattern: string, all: readonly EventTopic[]): ManagerError {
  const shown = JSON.stringify(pattern.slice(0, 60));
  const expected = "words by dots, * for one word, # for any number of them";
  return new ManagerError("invalid_argument", `${shown} names no topic: the topics are ${all.join(", ")}`, {
    fields: [{ path: "topics", given: shown, expected }],
  });
}
