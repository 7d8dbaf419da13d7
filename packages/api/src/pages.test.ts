import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { errorsPage } from "./testing/errors-page.ts";
import { eventsPage } from "./testing/events-page.ts";
import { restPage } from "./testing/rest-page.ts";

const remedy = "run UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/api/src/pages.test.ts";

for (const [name, written] of Object.entries({
  "errors.md": errorsPage(),
  "events.md": eventsPage(),
  "rest.md": restPage(),
})) {
  const page = new URL(`../../../docs/reference/${name}`, import.meta.url);

  if (process.env["UPDATE_REFERENCE"] === "1") writeFileSync(page, written);

  test(`the reference page ${name} says what the tables say`, () => {
    assert.equal(readFileSync(page, "utf8"), written, remedy);
  });
}
