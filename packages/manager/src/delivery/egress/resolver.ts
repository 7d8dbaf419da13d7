/** Names as this machine resolves them: its hosts file, its name servers. */
import { lookup } from "node:dns/promises";
import type { Resolver } from "./guard.ts";

/** The real one. */
export const systemResolver: Resolver = {
  addresses: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};
