/** The client in a real browser: a page of an allowed origin does what a program does, and a page of another learns nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium, Site } from "./testing/browser.ts";
import { configOf } from "./testing/fixtures.ts";
import { type ManagerProcess, startManager } from "./testing/manager.ts";
import type { Seen } from "./testing/page.ts";

const skip = chromium === undefined ? "chromium is not installed" : false;

async function open(): Promise<AsyncDisposable & { readonly site: Site; readonly manager: ManagerProcess }> {
  const site = await Site.open();
  const config = configOf({ weather: { mode: "plain" } }).replace(
    "{",
    `{"allowedOrigins": ["http://page.test:${site.port}"], `,
  );
  const manager = await startManager({ config });
  await manager.serversReady("weather");
  return {
    site,
    manager,
    async [Symbol.asyncDispose]() {
      await manager[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

test(
  "a page of an allowed origin lists, calls, changes, reads logs and hears why something failed",
  { skip },
  async () => {
    await using opened = await open();
    const { site, manager } = opened;
    const seen = (await site.visit(chromium ?? "", "page.test", { manager: manager.url, key: manager.key })) as Seen;
    assert.deepEqual(seen, {
      servers: ["weather"],
      tools: ["echo", "slow", "pid", "exit"],
      result: { content: [], echo: { text: "hello" } },
      codes: ["not_found", "unauthenticated", "conflict", "deadline_exceeded", "invalid_argument"],
      fields: ["spec.source.kind"],
      guarded: "page",
      lines: ["started plain as PID"],
      message: "",
    });
  },
);

test(
  "a page of another origin gets no answer out of the manager, and the error says what to look at",
  { skip },
  async () => {
    await using opened = await open();
    const { site, manager } = opened;
    const parameters = { manager: manager.url, key: manager.key, vain: "" };
    const { codes, message } = (await site.visit(chromium ?? "", "other.test", parameters)) as Seen;
    assert.deepEqual(codes, ["unavailable"]);
    assert.match(message, /Failed to fetch.*allowedOrigins/);
  },
);
