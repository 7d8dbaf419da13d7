/** Configurations over the small test server. */
import { join } from "node:path";
import { root } from "./manager.ts";

const program = join(root, "test/e2e/testing/server.mjs");

/** A configuration with these servers: how each behaves, and what else its spec says. */
export function configOf(servers: Readonly<Record<string, { mode: string; tag?: string; spec?: object }>>): string {
  const entries = Object.entries(servers).map(([name, { mode, tag, spec }]) => [
    name,
    { source: sourceOf(mode, tag), ...spec },
  ]);
  // Tests count processes: those that are kept started for the next client have tests of their own.
  return JSON.stringify({ agent: { spares: 0 }, servers: Object.fromEntries(entries) });
}

/** The source of a server that behaves like this; see server.mjs. A tag makes its process easy to find. */
export function sourceOf(mode: string, tag?: string): object {
  const args = [program, mode, ...(tag === undefined ? [] : [tag])];
  return { kind: "process", command: process.execPath, args };
}
