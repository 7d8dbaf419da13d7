/** What every authenticator must do, as tests that each implementation declares for itself. It knows no implementation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authenticator } from "./authenticator.ts";

/** One implementation, to the suite. */
export interface AuthenticatorHarness {
  readonly name: string;
  /** An authenticator, a header it takes, the principal's name behind it, and headers of its scheme that it must refuse. */
  open(): {
    readonly authenticator: Authenticator;
    readonly good: string;
    readonly principal: string;
    readonly bad: readonly string[];
    /** Withdraws the good credential. */
    withdraw(): void;
  };
}

/** Declares the cases. */
export function declareAuthenticatorContract({ name, open }: AuthenticatorHarness): void {
  test(`${name}: a good credential gives its principal, the same object each time`, () => {
    const { authenticator, good, principal } = open();
    const first = authenticator.authenticate(good);
    assert.equal(first.kind, "principal");
    assert.equal(first.kind === "principal" && first.principal.name, principal);
    assert.equal(authenticator.authenticate(good), first);
  });

  test(`${name}: no header, an empty one, another scheme and an endless one are refused with what to do`, () => {
    const { authenticator } = open();
    const headers: readonly (string | undefined)[] = [
      undefined,
      "",
      "Basic YTpi",
      "Bearer",
      "Bearer ",
      "Bearer a b",
      `Bearer ${"x".repeat(100_000)}`,
    ];
    for (const header of headers) {
      const answer = authenticator.authenticate(header);
      assert.equal(answer.kind, "failure", header?.slice(0, 20) ?? "no header");
      assert.match(answer.kind === "failure" ? answer.message : "", /Bearer/);
    }
  });

  test(`${name}: a wrong credential is refused without repeating it`, () => {
    const { authenticator, bad } = open();
    assert.ok(bad.length > 0);
    for (const header of bad) {
      const answer = authenticator.authenticate(header);
      assert.equal(answer.kind, "failure", header);
      assert.ok(answer.kind === "failure" && !answer.message.includes(header.replace(/^\w+ /, "")));
    }
  });

  test(`${name}: a credential that was withdrawn is refused from then on, remembered or not`, () => {
    const { authenticator, good, withdraw } = open();
    assert.equal(authenticator.authenticate(good).kind, "principal");
    withdraw();
    assert.equal(authenticator.authenticate(good).kind, "failure");
  });
}
