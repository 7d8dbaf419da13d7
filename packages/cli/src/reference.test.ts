import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { cliPage } from "./testing/cli-page.ts";

const page = new URL("../../../docs/reference/cli.md", import.meta.url);

if (process.env["UPDATE_REFERENCE"] === "1") writeFileSync(page, cliPage());

test("the reference page of the command line says what the command table says", () => {
  const remedy =
    "run UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/cli/src/reference.test.ts";
  assert.equal(readFileSync(page, "utf8"), cliPage(), remedy);
});
