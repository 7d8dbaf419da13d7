/** `webhook list|get|apply|create|delete`. A secret that is made here is printed once, alone on its line. */
import { randomBytes } from "node:crypto";
import type { Webhook, WebhookInput } from "@mcp-manager/api";
import { hiddenValue, ManagerError, parseWebhook } from "@mcp-manager/api";
import type { Command, Invocation } from "../command.ts";
import { UsageError } from "../usage.ts";
import { age, stateCell } from "./describe.ts";
import { readItems } from "./file-items.ts";

/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytes = 32;

const list: Command = {
  words: ["webhook", "list"],
  summary: "List the webhooks and how deliveries to them go",
  examples: ["mcp-manager webhook list"],
  async run({ client, print, io }) {
    const webhooks: Webhook[] = [];
    for await (const webhook of client().webhooks.all({ signal: io.signal })) webhooks.push(webhook);
    print.result({ items: webhooks }, () => {
      print.table({
        head: ["NAME", "STATE", "WAITING", "DEAD", "TOPICS", "URL"],
        rows: webhooks.map(({ metadata, spec, status }) => [
          metadata.name,
          stateCell(status.state),
          String(status.pending),
          String(status.deadLetters),
          spec.topics.join(","),
          shownUrl(spec.url),
        ]),
        fit: "middle",
        empty: "no webhooks yet: make one with mcp-manager webhook create NAME ADDRESS",
      });
    });
    return 0;
  },
};

const get: Command = {
  words: ["webhook", "get"],
  summary: "Show one webhook: where what is sent, and how that goes",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager webhook get ops", "mcp-manager webhook get ops -o yaml > ops.yaml"],
  async run({ client, print, positionals: [name = ""], io }) {
    const webhook = await client().webhooks.get(name, { signal: io.signal });
    print.result(webhook, () => {
      const { metadata, spec, status } = webhook;
      const { lastDelivery, lastFailure } = status;
      print.fields([
        ["Name", metadata.name],
        ["State", stateCell(status.state)],
        ["URL", shownUrl(spec.url)],
        ["Topics", spec.topics.join(", ")],
        ["Template", spec.template],
        ["Signed", signing(spec.secret)],
        ["Waiting", String(status.pending)],
        ["Dead letters", String(status.deadLetters)],
        ["Last delivery", lastDelivery === undefined ? "never" : `${lastDelivery.at} (${lastDelivery.status})`],
        ["Last failure", lastFailure === undefined ? "never" : `${lastFailure.at}: ${lastFailure.message}`],
        ["Created", `${age(metadata.createdAt, Date.now())} ago (${metadata.createdAt})`],
      ]);
    });
    return 0;
  },
};

const apply: Command = {
  words: ["webhook", "apply"],
  summary: "Make or change the webhooks in a file",
  options: {
    file: {
      type: "string",
      short: "f",
      value: "FILE",
      summary: "YAML or JSON with one Webhook, or several documents; - reads stdin",
    },
  },
  notes: ["A secret that is left out, or is (hidden) as reads show it, stays as it is."],
  examples: ["mcp-manager webhook apply -f ops.yaml"],
  async run({ client, print, option, io }) {
    const file = option("file");
    if (file === undefined) throw new UsageError("webhook apply needs -f FILE", apply.words);
    const inputs = (await readItems(io, file, "a Webhook")).map(({ item, where }) => checked(item, where));
    const applied: Webhook[] = [];
    for (const input of inputs) applied.push(await client().webhooks.apply(input, { signal: io.signal }));
    const [only] = applied;
    print.result(applied.length === 1 ? only : { items: applied }, () => {
      for (const { metadata } of applied) print.line(`webhook ${metadata.name} is as the file says`);
    });
    return 0;
  },
};

const create: Command = {
  words: ["webhook", "create"],
  summary: "Have what happens sent to an address; prints the secret that signs it, this once",
  positionals: [{ name: "NAME" }, { name: "ADDRESS" }],
  options: {
    topics: {
      type: "string",
      short: "t",
      value: "PATTERNS",
      summary: "Only these, by commas: server.*,deployment.#. Default: everything",
    },
    template: {
      type: "string",
      value: "raw|slack",
      summary: "The event as JSON, or a message for Slack. Default: raw",
    },
    secret: {
      type: "string",
      value: "REFERENCE",
      summary: "Sign with a secret of the manager's, ${secret:NAME}. Default: a new one, which is printed",
    },
  },
  examples: [
    "mcp-manager webhook create ops https://hooks.example.com/manager -t 'server.failed,deployment.#'",
    "mcp-manager webhook create chat https://hooks.slack.com/services/T0/B0/x --template slack",
  ],
  async run(invocation) {
    const { client, print, io } = invocation;
    const { input, secret } = wanted(invocation);
    const created = await client().webhooks.create(input, { signal: io.signal });
    print.result(secret === undefined ? created : { ...created, secret }, () => {
      print.line(secret ?? `webhook ${created.metadata.name} is made`);
    });
    if (secret !== undefined) print.note("keep it now: it is not shown again; the receiver checks signatures with it");
    return 0;
  },
};

const remove: Command = {
  words: ["webhook", "delete"],
  summary: "Stop sending to an address, at once; its dead letters stay",
  positionals: [{ name: "NAME" }],
  examples: ["mcp-manager webhook delete ops"],
  async run({ client, print, positionals: [name = ""], io }) {
    const webhook = await client().webhooks.delete(name, { signal: io.signal });
    print.result(webhook, () => print.line(`webhook ${name} is deleted`));
    return 0;
  },
};

/** The commands on webhooks. */
export const webhookCommands: readonly Command[] = [list, get, apply, create, remove];

/** What the options ask for, and the secret that was made for it. A secret of a person's own stands in no command line. */
function wanted({ positionals: [name = "", url = ""], option }: Invocation): {
  readonly input: WebhookInput;
  readonly secret: string | undefined;
} {
  const template = templateOf(option("template") ?? "raw");
  const reference = option("secret");
  if (reference !== undefined && !/^\$\{secret:[^}]+\}$/.test(reference))
    throw new UsageError("--secret takes a reference, ${secret:NAME}: others can see a command line", create.words);
  const isMade = reference === undefined && template === "raw";
  const made = isMade ? `whsec_${randomBytes(secretBytes).toString("base64")}` : undefined;
  const secret = reference ?? made;
  const topics = option("topics")?.split(",");
  const spec = {
    url,
    template,
    ...(topics === undefined ? {} : { topics }),
    ...(secret === undefined ? {} : { secret }),
  };
  return { input: { metadata: { name }, spec }, secret: made };
}

function templateOf(text: string): "raw" | "slack" {
  if (text === "raw" || text === "slack") return text;
  throw new UsageError(`--template takes raw or slack, not "${text}"`, create.words);
}

function checked(item: unknown, where: string): WebhookInput {
  try {
    parseWebhook(item);
  } catch (error) {
    const { code, message, fields } = ManagerError.from(error);
    throw new ManagerError(code, `${where}: ${message}`, { fields });
  }
  return item as WebhookInput;
}

/** The path of an address can be its credential: a screen is seen by others. */
function shownUrl(url: string): string {
  const { origin, pathname } = URL.parse(url) ?? { origin: url, pathname: "/" };
  return pathname === "/" ? origin : `${origin}/…`;
}

function signing(secret: string | undefined): string {
  if (secret === undefined) return "no";
  return secret === hiddenValue ? "with a secret of its own" : `with ${secret}`;
}
