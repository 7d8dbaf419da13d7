/**
 * A pass-through that adds the credential, because the suite cannot send a header. All else goes as it came, Host and Origin too:
 * whether those are good is for the manager to say.
 */
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";

export interface KeyProxy extends AsyncDisposable {
  readonly url: string;
}

/** Listens on a free port and passes everything on to a manager at `target`. */
export async function startKeyProxy(target: string, key: string): Promise<KeyProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, answer) => {
    const headers = [...incoming.rawHeaders, "Authorization", `Bearer ${key}`];
    const passed = send({ hostname, port, method: incoming.method, path: incoming.url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      response.on("error", () => answer.destroy());
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    // Whoever leaves early leaves at both ends.
    answer.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
