import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { grpcPage } from "./testing/grpc-page.ts";

const page = new URL("../../../../../docs/reference/grpc.md", import.meta.url);
const remedy =
  "run UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test packages/manager/src/api/grpc/reference.test.ts";

if (process.env["UPDATE_REFERENCE"] === "1") writeFileSync(page, grpcPage());

test("the reference page grpc.md says what the table and the proto files say", () => {
  assert.equal(readFileSync(page, "utf8"), grpcPage(), remedy);
});
