/** `dead-letter list|get|replay|delete|purge`: what could not be delivered, and what becomes of it. */
import type { DeadLetter } from "@mcp-manager/api";
import type { Command, Option } from "../command.ts";
import { UsageError } from "../usage.ts";
import { age } from "./describe.ts";

const webhook: Option = { type: "string", short: "w", value: "NAME", summary: "Only those of this webhook" };

const list: Command = {
  words: ["dead-letter", "list"],
  summary: "List what could not be delivered, newest first",
  options: { webhook },
  examples: ["mcp-manager dead-letter list", "mcp-manager dead-letter list -w ops"],
  async run({ client, print, option, io }) {
    const letters: DeadLetter[] = [];
    const of = ofWebhook(option("webhook"));
    for await (const letter of client().deadLetters.all({ ...of, signal: io.signal })) letters.push(letter);
    print.result({ items: letters }, () => {
      print.table({
        head: ["NAME", "FOR", "TOPIC", "SERVER", "AGE", "TRIED", "LAST ERROR"],
        rows: letters.map(({ metadata, spec: { source, event }, status }) => [
          metadata.name,
          source.name,
          event.topic,
          event.server ?? "-",
          age(metadata.createdAt, Date.now()),
          String(status.attempts),
          status.lastError,
        ]),
        empty: "no dead letters: everything was delivered",
      });
    });
    return 0;
  },
};

const get: Command = {
  words: ["dead-letter", "get"],
  summary: "Show one dead letter: the event, and why it could not be delivered",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager dead-letter get dl-mhx2k0ab"],
  async run({ client, print, positionals: [name = ""], io }) {
    const letter = await client().deadLetters.get(name, { signal: io.signal });
    print.result(letter, () => {
      const { metadata, spec, status } = letter;
      const { source, event } = spec;
      print.fields([
        ["Name", metadata.name],
        ["For", `${source.kind} ${source.name}`],
        ["Delivery", spec.deliveryId],
        ["Event", `${event.topic} at ${event.at}`],
        ["Server", event.server ?? "-"],
        ["Message", event.message],
        ["Tried", `${status.attempts} times, from ${spec.firstAttemptAt} to ${status.at}`],
        ["Last error", status.lastError],
      ]);
    });
    return 0;
  },
};

const replay: Command = {
  words: ["dead-letter", "replay"],
  summary: "Try to deliver a dead letter once more, or all; what fails again stays",
  positionals: [{ name: "NAME", optional: true }],
  options: { webhook, all: { type: "boolean", summary: "All dead letters" } },
  notes: ["One is waited for. Many are begun: dead-letter list shows which are left."],
  examples: [
    "mcp-manager dead-letter replay dl-mhx2k0ab",
    "mcp-manager dead-letter replay -w ops",
    "mcp-manager dead-letter replay --all",
  ],
  async run({ client, print, positionals: [name], option, flag, io }) {
    const one = whichOf(name, option("webhook"), flag("all"), replay.words);
    const calls = client().deadLetters;
    if (one !== undefined) {
      const letter = await calls.replay(one, { signal: io.signal });
      print.result(letter, () => print.line(`dead letter ${one} is delivered`));
      return 0;
    }
    const begun = await calls.replayAll({ ...ofWebhook(option("webhook")), signal: io.signal });
    print.result(begun, () => print.line(`dead letters being tried: ${begun.count}`));
    return 0;
  },
};

const remove: Command = {
  words: ["dead-letter", "delete"],
  summary: "Give one event up for good",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager dead-letter delete dl-mhx2k0ab"],
  async run({ client, print, positionals: [name = ""], io }) {
    const letter = await client().deadLetters.delete(name, { signal: io.signal });
    print.result(letter, () => print.line(`dead letter ${name} is deleted`));
    return 0;
  },
};

const purge: Command = {
  words: ["dead-letter", "purge"],
  summary: "Give up for good what could not be delivered to one webhook, or at all",
  options: { webhook, all: { type: "boolean", summary: "All dead letters" } },
  examples: ["mcp-manager dead-letter purge -w ops", "mcp-manager dead-letter purge --all"],
  async run({ client, print, option, flag, io }) {
    whichOf(undefined, option("webhook"), flag("all"), purge.words);
    const purged = await client().deadLetters.purge({ ...ofWebhook(option("webhook")), signal: io.signal });
    print.result(purged, () => print.line(`dead letters deleted: ${purged.count}`));
    return 0;
  },
};

/** The commands on dead letters. */
export const deadLetterCommands: readonly Command[] = [list, get, replay, remove, purge];

function ofWebhook(name: string | undefined): { readonly webhook?: string } {
  return name === undefined ? {} : { webhook: name };
}

/** Exactly one of a name, a webhook and `--all`: nothing happens to all of them by a word that was forgotten. */
function whichOf(
  name: string | undefined,
  ofName: string | undefined,
  isAll: boolean,
  words: readonly string[],
): string | undefined {
  const given = [name !== undefined, ofName !== undefined, isAll].filter(Boolean).length;
  if (given === 1) return name;
  const choices = words[1] === "replay" ? "NAME, -w WEBHOOK or --all" : "-w WEBHOOK or --all";
  throw new UsageError(`${words.join(" ")} needs one of ${choices}`, words);
}
