/** GET streams of legacy sessions, held open as clients made with the SDKs hold theirs: a connection each. */
import { type ClientRequest, get } from "node:http";
import type { Target } from "./contestant.ts";

export interface OpenStreams extends Disposable {
  /** Rejects when the target opens none. */
  open(target: Target, session: string): Promise<void>;
}

/** Their owner closes them all. */
export function openStreams(): OpenStreams {
  const requests = new Set<ClientRequest>();
  return {
    open(target, session) {
      const headers = {
        accept: "text/event-stream",
        "mcp-session-id": session,
        "mcp-protocol-version": "2025-11-25",
        ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
      };
      return new Promise((resolve, reject) => {
        const request = get(target.url, { headers, agent: false }, (response) => {
          response.resume();
          // Cut off at the end of the measurement.
          response.on("error", () => {});
          if (response.statusCode === 200) return resolve();
          reject(new Error(`${target.name} answered a GET with ${response.statusCode}`));
        });
        request.on("error", reject);
        requests.add(request);
      });
    },
    [Symbol.dispose]() {
      for (const request of requests) request.destroy();
    },
  };
}
