/** The desk over HTTP in this process, and as a program of its own on stdio (`node main.ts`, legacy). */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Desk } from "./desk.ts";
import { legacyDeskListener } from "./legacy.ts";
import { modernDeskListener } from "./modern.ts";

export interface DeskServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts one on a free port. */
export async function startDesk(era: "legacy" | "modern"): Promise<DeskServer> {
  const desk = new Desk();
  const server = createServer(era === "legacy" ? legacyDeskListener(desk) : modernDeskListener(desk));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The source of one that the manager runs. */
export const deskProcess: object = {
  kind: "process",
  command: process.execPath,
  args: [fileURLToPath(new URL("./main.ts", import.meta.url))],
};
