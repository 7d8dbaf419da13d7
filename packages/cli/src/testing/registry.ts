/** A registry on loopback that answers as it was told: texts as they are, anything else as JSON, `hang` never. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** By path and query: the status and the body. What is not there is 404, as the official registry says it. */
export type RegistryAnswers = Readonly<Record<string, readonly [number, unknown] | "hang">>;

export interface FakeRegistry extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly string[];
}

/** Starts one. */
export async function fakeRegistry(answers: RegistryAnswers): Promise<FakeRegistry> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { url = "" } = request;
    asked.push(url);
    const answer = answers[url] ?? [404, { error: "Server not found" }];
    if (answer === "hang") return;
    const [status, body] = answer;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** An entry of the registry: a description, and what the registry itself says of it. */
export function entryOf(server: object, status = "active"): object {
  return { server, _meta: { "io.modelcontextprotocol.registry/official": { status, isLatest: true } } };
}

/** A description of a server in a package of npm, with what is given otherwise. */
export function weatherJson(more: object = {}, packaged: object = {}): object {
  return {
    $schema: "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    name: "io.example/weather",
    description: "Weather of everywhere",
    version: "1.2.0",
    packages: [
      { registryType: "npm", identifier: "@acme/weather", version: "1.2.0", transport: { type: "stdio" }, ...packaged },
    ],
    ...more,
  };
}
