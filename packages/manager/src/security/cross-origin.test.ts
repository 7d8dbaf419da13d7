import assert from "node:assert/strict";
import { test } from "node:test";
import { isPreflight, preflightHeaders } from "./cross-origin.ts";

test("a preflight is OPTIONS with an origin and what it asks for; any other OPTIONS is a request", () => {
  const asks = { origin: "http://localhost:1", "access-control-request-method": "PUT" };
  assert.equal(isPreflight({ method: "OPTIONS", headers: asks }), true);
  assert.equal(isPreflight({ method: "PUT", headers: asks }), false);
  assert.equal(isPreflight({ method: "OPTIONS", headers: { origin: "http://localhost:1" } }), false);
  assert.equal(isPreflight({ method: "OPTIONS", headers: { "access-control-request-method": "PUT" } }), false);
});

test("of the headers asked for, those that the manager knows are allowed, and no others", () => {
  const allowed = (asked: string): string | undefined =>
    preflightHeaders({ "access-control-request-headers": asked })["access-control-allow-headers"];
  const known = "authorization, content-type, if-match, last-event-id, mcp-protocol-version, mcp-param-region";
  assert.equal(allowed(known), known);
  assert.equal(allowed("Authorization,X-Forwarded-For , MCP-Session-Id"), "authorization, mcp-session-id");
  assert.equal(allowed("x-other, mcp-, *, cookie"), undefined);
  assert.equal(allowed(`mcp-${"x".repeat(81)}`), undefined);
  assert.equal(preflightHeaders({})["access-control-allow-headers"], undefined);
});
