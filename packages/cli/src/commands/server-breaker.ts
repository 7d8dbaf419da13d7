/** `server breaker`: a person's word against the manager's own judgement of a server. */
import type { BreakerRequest } from "@mcp-manager/api";
import type { Command } from "../command.ts";
import { UsageError } from "../usage.ts";
import { breakerCell } from "./server-text.ts";

export const serverBreaker: Command = {
  words: ["server", "breaker"],
  summary: "Hold a server's circuit breaker open or closed, or leave it to itself again",
  positionals: [{ name: "NAME" }, { name: "STATE" }],
  options: {
    reason: { type: "string", value: "TEXT", summary: "Why, for whoever wonders later; needed for open and closed" },
  },
  notes: [
    "STATE is open, closed or auto. open refuses every call of the server at once; closed lets every call through, however many fail. Both hold until auto, also" +
      " over restarts of the manager, and are shown with who decided it, when and why.",
  ],
  examples: [
    "mcp-manager server breaker weather open --reason 'silence until noon'",
    "mcp-manager server breaker weather auto",
  ],
  async run({ client, print, positionals: [name = "", state = ""], option, io }) {
    const server = await client().servers.setBreaker(name, requestOf(state, option("reason")), { signal: io.signal });
    print.result(server, () => {
      const cell = breakerCell(server.status, Date.now());
      const decided = state === "auto" ? "is left to itself" : `is held ${state}`;
      const now = state === "auto" && cell !== undefined ? `; it is ${cell.text}` : "";
      print.line(`the breaker of server ${name} ${decided}${now}`);
    });
    return 0;
  },
};

function requestOf(state: string, reason: string | undefined): BreakerRequest {
  if (state === "auto") return reason === undefined ? { state } : { state, reason };
  if (state !== "open" && state !== "closed")
    throw new UsageError(`server breaker takes open, closed or auto, not "${state}"`, serverBreaker.words);
  if (reason === undefined)
    throw new UsageError(`server breaker ${state} needs --reason TEXT, for whoever wonders later`, serverBreaker.words);
  return { state, reason };
}
