/** Configurations over the small test server. */
import { join } from "node:path";
import { root } from "./manager.ts";

const program = join(root, "test/e2e/testing/server.mjs");

/** A configuration with these servers: how each behaves, and what else its spec says. */
export function configOf(servers: Readonly<Record<string, { mode: string; tag?: string; spec?: object }>>): string {
  const entries = Object.entries(servers).map(([name, { mode, tag, spec }]) => {
    const args = [program, mode, ...(tag === undefined ? [] : [tag])];
    return [name, { source: { kind: "process", command: process.execPath, args }, ...spec }];
  });
  return JSON.stringify({ servers: Object.fromEntries(entries) });
}
