/** The suite against the fixture servers themselves: what fails through the manager is then the manager's. */
import { test } from "node:test";
import { startHttpFixture } from "./fixtures.ts";
import { assertContent, judgeServer } from "./suite.ts";

const runs = [
  { era: "legacy", requirements: "2025-11-25", scenarios: 30 },
  { era: "modern", requirements: "2026-07-28", scenarios: 37 },
] as const;

for (const { era, requirements, scenarios } of runs) {
  test(`the ${era} fixture passes all that ${requirements} requires of a server`, async () => {
    await using fixture = await startHttpFixture(era);
    assertContent(await judgeServer(fixture.url, requirements, "none"), scenarios);
  });
}
