/**
 * What clients are told that servers offer: of what a server declares, that which is carried to clients. Settings are left out with
 * what they promise, but for subscriptions. Pure; who may see which server is decided where this is called.
 */
import type { Era } from "../../protocol/era.ts";
import { asRecord } from "../../protocol/server-facts.ts";
import { tasksExtension } from "../../protocol/tasks.ts";

/** Capabilities as a server declared them. */
export type Capabilities = Readonly<Record<string, unknown>>;

/** In the order in which they are declared. */
const carried = ["tools", "prompts", "resources", "completions", "logging"] as const;
/**
 * Extensions of which every message is relayed whatever the endpoint and the eras. MCP Apps are lists, reads and links; what is
 * between page and host is not ours.
 */
const carriedExtensions = ["io.modelcontextprotocol/ui"] as const;

/** Lists that a server which was not heard yet may have; an empty one is an honest answer if it has none. */
const expected: Capabilities = { tools: {}, prompts: {}, resources: { subscribe: true } };
/** Whose changes clients hear of, whether the server tells of them itself or its list was found changed. */
const changing: readonly string[] = ["tools", "prompts", "resources"];

/**
 * What is declared of one server on its own endpoint. Where server and client are both modern (`common`), all its extensions as it
 * declared them: there their methods are relayed too, and nothing has to be known of them. Where both are legacy, its tasks, but not the
 * list of them, which would be everybody's.
 */
export function carriedCapabilities(declared: Capabilities, common: Era | undefined): Capabilities {
  const capabilities = mergedOf([declared]);
  if (common === "legacy" && hasTasks(declared, "legacy")) return { ...capabilities, tasks: carriedTasks };
  if (common === "modern" && hasExtensions(declared)) return { ...capabilities, extensions: declared["extensions"] };
  return capabilities;
}

const carriedTasks = { cancel: {}, requests: { tools: { call: {} } } };

/** Whether a server of this era declared that calls of its tools may become tasks. */
export function hasTasks(declared: Capabilities, era: Era): boolean {
  if (era === "modern") return asRecord(declared["extensions"])?.[tasksExtension] !== undefined;
  const requests = asRecord(asRecord(declared["tasks"])?.["requests"]);
  return asRecord(requests?.["tools"])?.["call"] !== undefined;
}

/** Whether a server declared any extension. */
export function hasExtensions(declared: Capabilities): boolean {
  return Object.keys(asRecord(declared["extensions"]) ?? {}).length > 0;
}

/**
 * What the aggregate declares of the servers behind it: all that any of them declared. Where one `isAwaited`, or there is none at
 * all, the usual lists too: a legacy client asks only once, and never for what was not declared.
 */
export function mergedCapabilities(declared: readonly Capabilities[], isAwaited: boolean): Capabilities {
  return mergedOf(isAwaited || declared.length === 0 ? [...declared, expected] : declared);
}

function mergedOf(declared: readonly Capabilities[]): Capabilities {
  const extensions = declared.map((each) => asRecord(each["extensions"]) ?? {});
  const relayed = offered(carriedExtensions, extensions);
  return { ...offered(carried, declared), ...(Object.keys(relayed).length === 0 ? {} : { extensions: relayed }) };
}

function offered(names: readonly string[], declared: readonly Capabilities[]): Capabilities {
  return Object.fromEntries(
    names
      .filter((name) => declared.some((each) => each[name] !== undefined))
      .map((name) => [name, changing.includes(name) ? settingsOf(name, declared) : {}]),
  );
}

function settingsOf(name: string, declared: readonly Capabilities[]): Capabilities {
  const canSubscribe = name === "resources" && declared.some((each) => asRecord(each[name])?.["subscribe"] === true);
  return { listChanged: true, ...(canSubscribe ? { subscribe: true } : {}) };
}
