/**
 * Versions of one fake server in a scenario, as deployments bring them, and what one client has begun at one of them: a session, forms
 * that wait for their answers, a task. What becomes of it is asked here and judged by the test.
 */
import assert from "node:assert/strict";
import { initialize, request, type Wire } from "../../e2e/testing/mcp.ts";
import { sendModern } from "../../e2e/testing/modern.ts";
import { api, serverOf } from "../../e2e/testing/releases.ts";
import type { Scenario, ServerPlan } from "./scenario.ts";

/** Applies a version; gives the name of the deployment that brings it. */
export async function bring(scenario: Scenario, server: string, plan: ServerPlan): Promise<string> {
  await scenario.apply(server, plan);
  const { deployment } = (await serverOf(scenario.manager, server)).status;
  assert.ok(deployment, "the server names its deployment");
  return deployment;
}

/** What a person says of a deployment. */
export async function say({ manager }: Scenario, deployment: string, verb: string): Promise<void> {
  const { status, json } = await api(manager, "POST", `deployments/${deployment}/${verb}`, {});
  assert.equal(status, 200, JSON.stringify(json));
}

/** A version as a client that keeps nothing comes to it. */
export async function version({ manager }: Scenario, server: string): Promise<string> {
  return said(await sendModern(manager, "tools/call", { name: `${server}__which`, arguments: {} }));
}

/**
 * What a client began, at the version that it was sent to. Each question is answered by what came of it: the text of a result, where the
 * task is, else `404` from a session that is over, or the code of an error and why: `-32602 EXPIRED`.
 */
export class Begun {
  readonly #scenario: Scenario;
  readonly #server: string;
  readonly #isLegacy: boolean;
  #session = "";
  #task = "";
  readonly #forms: object[] = [];

  /** A session, as many forms, and a task, all of a server of this era. */
  static async at(scenario: Scenario, server: string, era: "legacy" | "modern", forms: number): Promise<Begun> {
    const begun = new Begun(scenario, server, era === "legacy");
    begun.#session = await initialize(scenario.manager);
    await begun.inSession();
    for (let at = 0; at < forms; at += 1) begun.#forms.push(await begun.#open());
    begun.#task = await begun.#work();
    return begun;
  }

  private constructor(scenario: Scenario, server: string, isLegacy: boolean) {
    this.#scenario = scenario;
    this.#server = server;
    this.#isLegacy = isLegacy;
  }

  /** Which version a call in the session comes to. */
  async inSession(): Promise<string> {
    return said(await request(this.#scenario.manager, this.#session, "tools/call", this.#call("which")));
  }

  /** The session is over: another takes its place. */
  async initializeAgain(): Promise<void> {
    this.#session = await initialize(this.#scenario.manager);
  }

  /** Fills in the next of the forms. */
  async fill(): Promise<string> {
    const form = this.#forms.pop();
    assert.ok(form, "a form is left");
    return said(await this.#form(form));
  }

  /** Asks for the task. */
  async poll(): Promise<string> {
    return said(await this.#ofTask("tasks/get"));
  }

  /** Has the task end. */
  async cancel(): Promise<void> {
    const { status, text } = await this.#ofTask("tasks/cancel");
    assert.equal(status, 200, text);
  }

  #ofTask(method: string): Promise<Wire> {
    const { manager } = this.#scenario;
    const params = { taskId: this.#task };
    return this.#isLegacy
      ? request(manager, this.#session, method, params)
      : sendModern(manager, method, params, { headers: { "mcp-name": this.#task } });
  }

  async #open(): Promise<object> {
    const { text, json } = await this.#form({});
    const { requestState, inputRequests } = json().result ?? {};
    assert.equal(typeof requestState, "string", text);
    const answer = { action: "accept", content: { name: "ada" } };
    const keys = Object.keys(inputRequests ?? {});
    return { requestState, inputResponses: Object.fromEntries(keys.map((key) => [key, answer])) };
  }

  #form(more: object): Promise<Wire> {
    const capabilities = { elicitation: { form: {} } };
    return sendModern(this.#scenario.manager, "tools/call", { ...this.#call("form"), ...more }, { capabilities });
  }

  async #work(): Promise<string> {
    const { manager } = this.#scenario;
    const call = this.#call("work");
    const capabilities = { extensions: { "io.modelcontextprotocol/tasks": {} } };
    const { text, json } = this.#isLegacy
      ? await request(manager, this.#session, "tools/call", { ...call, task: { ttl: 3_600_000 } })
      : await sendModern(manager, "tools/call", call, { capabilities });
    const made = json().result;
    const { taskId } = ((this.#isLegacy ? made?.["task"] : made) ?? {}) as { readonly taskId?: string };
    assert.ok(taskId, text);
    return taskId;
  }

  #call(tool: string): { readonly name: string; readonly arguments: object } {
    return { name: `${this.#server}__${tool}`, arguments: {} };
  }
}

function said({ status, json, text }: Wire): string {
  if (status === 404) return "404";
  const { result, error } = json();
  if (error !== undefined) return `${error.code} ${String(error.data?.["reason"] ?? error.data?.["code"])}`;
  const content = result?.["content"] as readonly { readonly text: string }[] | undefined;
  const { statusMessage } = result ?? {};
  return content?.[0]?.text ?? (typeof statusMessage === "string" ? statusMessage : text);
}
