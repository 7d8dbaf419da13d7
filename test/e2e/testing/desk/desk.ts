/**
 * What the small server of the relay tests offers, whatever era and SDK it is served with: tools that do each of the things a server
 * can do with its client, a prompt, and resources. Keeps what happened to its calls.
 */

export type Json = Readonly<Record<string, unknown>>;

/** A question to the client, as both eras write it. */
export interface Question {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: Json;
}

/** One call of a tool, as its era has it. */
export interface DeskCall {
  readonly arguments: Json;
  /** Aborts when the client gives the call up. */
  readonly signal: AbortSignal;
  ask(question: Question): Promise<Json>;
  log(level: "debug" | "warning", data: string): Promise<void>;
  progress(progress: number): Promise<void>;
}

/** Whom a change concerns: those who subscribed to the resource, or all who hear of lists. */
export type Change = { readonly uri: string } | { readonly list: "tools" };

type Tool = (call: DeskCall) => Promise<string> | string;

export const serverInfo: { readonly name: string; readonly version: string } = { name: "desk", version: "1.0.0" };
export const capabilities: {
  readonly tools: { readonly listChanged: true };
  readonly prompts: { readonly listChanged: true };
  readonly resources: { readonly subscribe: true; readonly listChanged: true };
  readonly completions: Record<string, never>;
  readonly logging: Record<string, never>;
} = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

const noteUri = "note://desk/1";
const names = ["Ada", "Adam", "Bob"];
/** Between two signs of life of a call that waits, in ms. */
const beatMs = 20;

export class Desk {
  readonly #seen: string[] = [];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #gates = new Map<string, () => void>();
  readonly #grown: string[] = [];
  #note = "empty";

  /** Calls `listener` with every change. */
  watch(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What every client is answered, tool calls apart; undefined for a method that there is not. */
  answer(method: string, params: Json = {}): Json | undefined {
    switch (method) {
      case "tools/list":
        return { tools: [...Object.keys(this.#tools), ...this.#grown].map(asTool) };
      case "prompts/list":
        return { prompts: [{ name: "greet", arguments: [{ name: "name" }] }] };
      case "prompts/get":
        return { messages: [{ role: "user", content: { type: "text", text: greeting(params) } }] };
      case "resources/list":
        return { resources: [{ name: "note", uri: noteUri }] };
      case "resources/templates/list":
        return { resourceTemplates: [{ name: "notes", uriTemplate: "note://desk/{number}" }] };
      case "resources/read":
        return { contents: [{ uri: params["uri"], text: this.#note }] };
      case "completion/complete":
        return { completion: { values: completions(params) } };
      default:
        return undefined;
    }
  }

  /** Runs a tool; its text. */
  async call(name: string, call: DeskCall): Promise<Json> {
    const tool = this.#tools[name] ?? (() => "grown");
    return { content: [{ type: "text", text: await tool(call) }] };
  }

  readonly #tools: Readonly<Record<string, Tool>> = {
    elicit: async (call) => {
      const requestedSchema = { type: "object", properties: { name: { type: "string" } } };
      const params = { mode: "form", message: "Your name?", requestedSchema };
      const { action, content } = await call.ask({ method: "elicitation/create", params });
      return `${String(action)} ${String((content as Json | undefined)?.["name"])}`;
    },
    sample: async (call) => {
      const messages = [{ role: "user", content: { type: "text", text: "A word?" } }];
      const { content } = await call.ask({ method: "sampling/createMessage", params: { messages, maxTokens: 5 } });
      return String((content as Json)["text"]);
    },
    roots: async (call) => {
      const { roots } = await call.ask({ method: "roots/list", params: {} });
      return (roots as readonly Json[]).map(({ uri }) => uri).join(" ");
    },
    log: async (call) => {
      await call.log("debug", "a detail");
      await call.log("warning", "a warning");
      return "logged";
    },
    count: async (call) => {
      for (const progress of [1, 2, 3]) await call.progress(progress);
      return "counted";
    },
    // Goes on until its client gives it up, with signs of life.
    wait: (call) => this.#wait(call),
    // Until somebody opens the gate of this name.
    gate: async (call) => {
      await call.progress(1);
      await new Promise<void>((resolve) => this.#gates.set(String(call.arguments["name"]), resolve));
      await call.progress(2);
      return "through";
    },
    open: ({ arguments: { name } }) => {
      this.#gates.get(String(name))?.();
      return "open";
    },
    write: ({ arguments: { text } }) => {
      this.#note = String(text);
      this.#tell({ uri: noteUri });
      return "written";
    },
    grow: ({ arguments: { name } }) => {
      this.#grown.push(String(name));
      this.#tell({ list: "tools" });
      return "grown";
    },
    seen: () => this.#seen.join("\n"),
  };

  #wait({ arguments: args, signal, progress }: DeskCall): Promise<string> {
    const name = String(args["name"]);
    this.#seen.push(`${name} waits`);
    let beats = 0;
    const beat = setInterval(() => void progress(++beats), beatMs);
    return new Promise((resolve) => {
      const end = (): void => {
        clearInterval(beat);
        this.#seen.push(`${name} was given up`);
        resolve("too late");
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function asTool(name: string): Json {
  return { name, inputSchema: { type: "object" } };
}

function greeting({ arguments: args }: Json): string {
  return `Hello ${String((args as Json | undefined)?.["name"])}`;
}

/** For the prompt's argument, and for the template's. */
function completions({ ref, argument }: Json): readonly string[] {
  const { type, name, uri } = ref as Json;
  const value = String((argument as Json)["value"]);
  if (type === "ref/prompt" && name === "greet") return names.filter((each) => each.startsWith(value));
  return uri === "note://desk/{number}" ? [`${value}0`] : [];
}
