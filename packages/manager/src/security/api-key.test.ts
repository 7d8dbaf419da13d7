import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { WatchedValue } from "../base/watched.ts";
import type { KeyTable } from "./api-key.ts";
import { isVouchedFor, KeyAuthenticator, keyDigest, mintKey } from "./api-key.ts";
import { declareAuthenticatorContract } from "./authenticator-contract.ts";

const random = seededRandom(7);
const ci = mintKey(random);
const brief = mintKey(random);
const clockAt = 1_700_000_000_000;

function bench(): { clock: ManualClock; table: WatchedValue<KeyTable>; authenticator: KeyAuthenticator } {
  const clock = new ManualClock(clockAt);
  const table = new WatchedValue<KeyTable>({
    admin: { principal: "admin", roles: ["admin"], digest: keyDigest("a chosen text".replaceAll(" ", "-")) },
    byId: new Map([
      [ci.id, { principal: "key:ci", roles: ["caller"], digest: ci.digest }],
      [brief.id, { principal: "key:brief", roles: ["viewer"], digest: brief.digest, expiresAtMs: clockAt + 60_000 }],
    ]),
  });
  return { clock, table, authenticator: new KeyAuthenticator(table, clock) };
}

declareAuthenticatorContract({
  name: "API keys",
  open() {
    const { table, authenticator } = bench();
    return {
      authenticator,
      good: `Bearer ${ci.key}`,
      principal: "key:ci",
      bad: [
        `Bearer ${ci.key.slice(0, -1)}${ci.key.endsWith("A") ? "B" : "A"}`,
        `Bearer ${ci.key}A`,
        `Bearer ${brief.key.replace(brief.id, ci.id)}`,
        `Bearer mcpm_zzzz_${"A".repeat(43)}`,
        "Bearer something-else",
      ],
      withdraw: () => table.replace({ byId: new Map() }),
    };
  },
});

test("a minted key has the documented form, and nothing of its secret in its hint", () => {
  assert.match(ci.key, /^mcpm_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
  assert.equal(ci.hint, `mcpm_${ci.id}_…`);
  assert.deepEqual(ci.digest, keyDigest(ci.key));
});

test("the admin key may be any text, and is told apart in the principal", () => {
  const answer = bench().authenticator.authenticate("Bearer a-chosen-text");
  assert.deepEqual(answer.kind === "principal" && [answer.principal.name, answer.principal.authMethod], [
    "admin",
    "admin-key",
  ]);
});

test("the scheme's case and spaces do not matter", () => {
  const { authenticator } = bench();
  for (const header of [`bearer ${ci.key}`, `BEARER   ${ci.key}`, `Bearer ${ci.key} `]) {
    assert.equal(authenticator.authenticate(header).kind, "principal", header);
  }
});

test("a key is refused from the moment it expires, also when it was remembered", async () => {
  const { authenticator, clock } = bench();
  const header = `Bearer ${brief.key}`;
  assert.equal(authenticator.authenticate(header).kind, "principal");
  await clock.advance(59_999);
  assert.equal(authenticator.authenticate(header).kind, "principal");
  await clock.advance(1);
  for (let again = 0; again < 2; again += 1) {
    const answer = authenticator.authenticate(header);
    assert.equal(answer.kind === "failure" && answer.reason, "expired");
  }
});

test("a change of roles reaches callers that were remembered", () => {
  const { authenticator, table } = bench();
  const header = `Bearer ${ci.key}`;
  const before = authenticator.authenticate(header);
  table.replace({ byId: new Map([[ci.id, { principal: "key:ci", roles: ["viewer"], digest: ci.digest }]]) });
  const after = authenticator.authenticate(header);
  assert.ok(before.kind === "principal" && after.kind === "principal");
  assert.deepEqual([before.principal.roles, after.principal.roles], [["caller"], ["viewer"]]);
  assert.equal(before.principal.hash, after.principal.hash);
});

test("without an admin key the empty digest lets nobody in", () => {
  const authenticator = new KeyAuthenticator(new WatchedValue<KeyTable>({ byId: new Map() }), new ManualClock());
  assert.equal(authenticator.authenticate(`Bearer ${ci.key}`).kind, "failure");
});

test("once disposed it no longer listens to the table", () => {
  const { authenticator, table } = bench();
  authenticator[Symbol.dispose]();
  table.replace({ byId: new Map() });
  assert.equal(authenticator.authenticate(`Bearer ${ci.key}`).kind, "failure");
});

test("a principal is vouched for as long as some key stands for it and its roles", () => {
  const { authenticator, table } = bench();
  const { admin, byId } = table.current;
  const answer = authenticator.authenticate(`Bearer ${brief.key}`);
  assert.ok(answer.kind === "principal");
  assert.ok(isVouchedFor(table.current, answer.principal, clockAt));
  assert.ok(!isVouchedFor(table.current, answer.principal, clockAt + 60_000), "it has expired");
  assert.ok(!isVouchedFor(table.current, { ...answer.principal, roles: ["admin"] }, clockAt));
  assert.ok(!isVouchedFor({ byId: new Map() }, answer.principal, clockAt));
  assert.ok(admin !== undefined && isVouchedFor({ admin, byId }, { name: "admin", roles: ["admin"] }, clockAt));
});
