import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrincipal } from "../../security/principal.ts";
import { PrincipalLoads } from "./principal-load.ts";

test("all credentials of a principal share one load, and another's is its own", () => {
  const loads = new PrincipalLoads(2);
  const ada = loads.of(createPrincipal("ada", ["admin"], "admin-key"));
  assert.equal(loads.of(createPrincipal("ada", ["caller"], "api-key")), ada);
  ada.enter();
  ada.enter();
  assert.equal(ada.isFull, true);
  assert.equal(loads.of(createPrincipal("bob", [], "api-key")).isFull, false);
  ada.leave();
  assert.equal(ada.isFull, false);
});

test("principals come and go without end, and those with open requests are never forgotten", () => {
  const loads = new PrincipalLoads(2);
  const ada = createPrincipal("ada", [], "api-key");
  loads.of(ada).enter();
  for (let i = 0; i < 10_100; i++) loads.of(createPrincipal(`p${i}`, [], "api-key"));
  assert.equal(loads.of(ada).open, 1);
});
