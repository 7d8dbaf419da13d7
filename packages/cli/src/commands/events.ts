/** `events`: what happens, a line each, until Ctrl-C. */
import type { Event, StreamItem } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import type { Io } from "../io.ts";
import type { Colour, Printer } from "../output.ts";
import { printable } from "../output.ts";
import { stateCell } from "./describe.ts";

export const eventsCommand: Command = {
  words: ["events"],
  summary: "Show what happens, as it happens",
  options: {
    topics: { type: "string", short: "t", value: "PATTERNS", summary: "Only these, by commas: server.*,deployment.#" },
    since: { type: "string", value: "POSITION", summary: "First what is stored after this position. Default: now" },
    snapshot: { type: "boolean", summary: "First every server as it is" },
  },
  notes: [
    "A connection that is cut is made again, and what is stored is shown once and in order all the same.",
    "With -o json each line is an object, whose position --since takes; one of the kind synced says that all before it is shown.",
  ],
  examples: [
    "mcp-manager events",
    "mcp-manager events -t 'server.*,deployment.#'",
    "mcp-manager events -o json --since 42",
  ],
  async run({ client, print, option, flag, io }) {
    const topics = option("topics");
    const after = option("since");
    const items = client().events.watch({
      ...(topics === undefined ? {} : { topics: topics.split(",").map((pattern) => pattern.trim()) }),
      ...(after === undefined ? {} : { after }),
      ...(flag("snapshot") ? { snapshot: true } : {}),
      signal: io.signal,
      onCut: ({ message }) => print.note(printable(`${message}; connecting again`)),
    });
    for await (const item of items) {
      if (print.format === "table") show(item, print, io);
      else print.line(`${print.format === "yaml" ? "- " : ""}${JSON.stringify(item)}`);
    }
    return 0;
  },
};

function show(item: StreamItem, print: Printer, io: Io): void {
  switch (item.kind) {
    case "event":
      return print.line(lineOf(item.event, print, io));
    case "missed":
      return print.note(`${item.count} events came faster than they were read`);
    case "reset":
      return print.note(`there is no going on from there (${item.reason}): this is what there is now`);
    case "snapshot": {
      const { name } = item.resource.metadata;
      const { text, colour } = stateCell(item.resource.status.state);
      return print.line(`${name}: ${print.paint(text, colour)}`);
    }
    case "synced":
  }
}

/** `12:03:04  server.failed     weather  ready → failed: …`; in a pipe with the whole time. */
function lineOf(event: Event, print: Printer, io: Io): string {
  const { topic, at, server, replica, message } = event;
  const time = io.isTerminal ? new Date(at).toTimeString().slice(0, 8) : at;
  const subject = [replica ?? server ?? ""].filter((name) => name !== "").map((name) => `${printable(name)}  `);
  const text = `${subject.join("")}${printable(message)}`;
  return `${print.paint(time, "dim")}  ${print.paint(topic.padEnd(17), colourOf(event))}  ${text}`;
}

function colourOf({ topic, severity, data }: Event): Colour {
  if (topic === "server.failed" || topic === "delivery.dead") return "red";
  if (severity === "warning") return "yellow";
  return data?.["to"] === "ready" || data?.["to"] === "Completed" ? "green" : "bold";
}
