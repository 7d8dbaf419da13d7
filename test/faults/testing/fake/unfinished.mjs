/**
 * What a version of the fake server begins in one request and goes on with in others, of either era. Its tools, beside `which`, which says
 * the version:
 *
 *   form   asks the caller for a name: a legacy server by a request, a modern one by `input_required`
 *   work   becomes a task that is not over before it is cancelled, where the caller takes one
 *
 * No version knows what another has begun.
 */
const elicitation = {
  mode: "form",
  message: "who are you?",
  requestedSchema: { type: "object", properties: { name: { type: "string" } } },
};
const legacyTasks = { tasks: { cancel: {}, requests: { tools: { call: {} } } } };
const modernTasks = { extensions: { "io.modelcontextprotocol/tasks": {} } };

export class Unfinished {
  toolNames = ["which", "form", "work"];
  #version;
  #isModern;
  /** By id, their status. */
  #tasks = new Map();

  constructor(version, isModern) {
    this.#version = version;
    this.#isModern = isModern;
  }

  get capabilities() {
    return this.#isModern ? modernTasks : legacyTasks;
  }

  /** Undefined for a tool that is not its own. */
  async call({ name, requestState, inputResponses, task }, wire) {
    switch (name) {
      case "which":
        return this.#text(String(this.#version));
      case "form":
        if (!this.#isModern) return this.#filled((await wire.ask("elicitation/create", elicitation)).result);
        return requestState === undefined ? this.#asked() : this.#retried(requestState, inputResponses);
      case "work":
        return this.#isModern || task !== undefined ? this.#begun() : this.#text("done at once");
      default:
        return undefined;
    }
  }

  /** Undefined for a method that is not its own. */
  answer(method, { taskId }) {
    if (method !== "tasks/get" && method !== "tasks/cancel") return undefined;
    if (!this.#tasks.has(taskId))
      return { error: { code: -32602, message: `version ${this.#version} has no ${taskId}` } };
    if (method === "tasks/get") return this.#result(this.#task(taskId));
    this.#tasks.set(taskId, "cancelled");
    return this.#result(this.#isModern ? {} : this.#task(taskId));
  }

  #asked() {
    const inputRequests = { name: { method: "elicitation/create", params: elicitation } };
    return { result: { resultType: "input_required", inputRequests, requestState: `of ${this.#version}` } };
  }

  #retried(requestState, inputResponses) {
    if (requestState === `of ${this.#version}`) return this.#filled(inputResponses?.name);
    return { error: { code: -32602, message: `version ${this.#version} has no ${requestState}` } };
  }

  #filled({ content }) {
    return this.#text(`${content.name} at ${this.#version}`);
  }

  #begun() {
    const taskId = `task-${this.#version}-${this.#tasks.size}`;
    this.#tasks.set(taskId, "working");
    const task = this.#task(taskId);
    return { result: this.#isModern ? { resultType: "task", ...task } : { task } };
  }

  #task(taskId) {
    const status = this.#tasks.get(taskId);
    const statusMessage = `${status === "working" ? "" : `${status} `}at ${this.#version}`;
    const times = this.#isModern ? { ttlMs: 3_600_000 } : { ttl: 3_600_000, lastUpdatedAt: "2026-11-25T10:30:00Z" };
    return { taskId, status, statusMessage, createdAt: "2026-11-25T10:30:00Z", ...times };
  }

  #text(text) {
    return this.#result({ content: [{ type: "text", text }] });
  }

  #result(result) {
    return { result: this.#isModern ? { resultType: "complete", ...result } : result };
  }
}
