/** What a client does in each scenario of the suite, with the official SDK. The suite's server judges what reaches it. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

export interface Surroundings {
  /** The endpoint of the manager for the suite's server. */
  readonly url: string;
  readonly key: string;
  readonly era: "legacy" | "modern";
  /** What the suite says besides, by scenario. */
  readonly context: unknown;
}

type Scenario = (surroundings: Surroundings) => Promise<void>;

interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** By the name that the suite has for it; those about OAuth are not for a client behind a gateway. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  initialize: connected(async (client) => void (await client.listTools())),
  tools_call: connected(async (client) => {
    await client.listTools();
    await client.callTool({ name: "add_numbers", arguments: { a: 2, b: 3 } });
  }),
  "elicitation-sep1034-client-defaults": connected(async (client) => {
    await client.callTool({ name: "test_client_elicitation_defaults", arguments: {} });
  }),
  "sse-retry": connected(async (client) => {
    await client.listTools();
    await client.callTool({ name: "test_reconnection", arguments: {} });
  }),
  "request-metadata": connected(async (client) => void (await client.listTools())),
  "sep-2322-client-request-state": connected(async (client) => {
    await client.listTools();
    await client.callTool({ name: "test_mrtr_echo_state", arguments: {} });
    await client.callTool({ name: "test_mrtr_no_state", arguments: {} });
    // A result without its type: to the suite it is complete, and this client refuses it. Neither calls again, which is the point.
    await client.callTool({ name: "test_mrtr_no_result_type", arguments: {} }).catch(() => undefined);
  }),
  "http-standard-headers": connected(async (client) => {
    for (const { name } of (await client.listTools()).tools) await client.callTool({ name, arguments: {} });
    for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
    for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
  }),
  "http-custom-headers": connected(async (client, { context }) => {
    await client.listTools();
    for (const call of (context as { toolCalls: readonly ToolCall[] }).toolCalls) await client.callTool(call);
  }),
  "http-invalid-tool-headers": (surroundings) =>
    // A modern client would drop such tools itself. A legacy one does not know of them, so whatever is listed is called.
    connected(callEveryTool)({ ...surroundings, era: "legacy" }),
  "json-schema-ref-no-deref": connected(async (client) => void (await client.listTools())),
};

async function callEveryTool(client: Client): Promise<void> {
  for (const { name } of (await client.listTools()).tools) {
    await client.callTool({ name, arguments: { region: "eu" } });
  }
}

/** Runs with a client of the era that can be asked for everything. */
function connected(run: (client: Client, surroundings: Surroundings) => Promise<void>): Scenario {
  return async (surroundings) => {
    const { url, key, era } = surroundings;
    const client = new Client(
      { name: "conformance-client", version: "1.0.0" },
      {
        capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
        versionNegotiation: { mode: era === "legacy" ? "legacy" : { pin: "2026-07-28" } },
      },
    );
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      // Between the rounds of one call, another: nothing of the one may show up in the other.
      if (params.message.includes("no state test"))
        await client.callTool({ name: "test_mrtr_unrelated", arguments: {} });
      return { action: "accept", content: filledIn("requestedSchema" in params ? params.requestedSchema : {}) };
    });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
    );
    try {
      await run(client, surroundings);
    } finally {
      await client.close();
    }
  };
}

/** A form with its defaults, and a yes where there is none. */
function filledIn(schema: unknown): Record<string, string | number | boolean> {
  const { properties = {} } = schema as { properties?: Record<string, { default?: string | number | boolean }> };
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, property.default ?? true]));
}
