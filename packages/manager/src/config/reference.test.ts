import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { configSchema, configurationPage } from "./testing/reference.ts";
import { settings } from "./setting.ts";

const page = new URL("../../../../docs/reference/configuration.md", import.meta.url);
const schema = new URL("../../../../docs/reference/config.schema.json", import.meta.url);
const remedy =
  "run UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/manager/src/config/reference.test.ts, then npm run format";

if (process.env["UPDATE_REFERENCE"] === "1") {
  writeFileSync(page, configurationPage());
  writeFileSync(schema, `${JSON.stringify(configSchema(), null, 2)}\n`);
}

test("the reference page says what the settings' schemas say", () => {
  assert.equal(readFileSync(page, "utf8"), configurationPage(), remedy);
});

test("the JSON Schema for editors says what the settings' schemas say", () => {
  assert.deepEqual(JSON.parse(readFileSync(schema, "utf8")), JSON.parse(JSON.stringify(configSchema())), remedy);
});

test("there are few settings, and each has a meaning, a default and a variable of its own", () => {
  assert.ok(settings.length < 60, `${settings.length} settings`);
  for (const { name, meaning, default: value } of settings) {
    assert.notEqual(meaning, "", name);
    assert.notEqual(value, undefined, name);
  }
  assert.equal(new Set(settings.map(({ variable }) => variable)).size, settings.length);
});
