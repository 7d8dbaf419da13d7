/**
 * What every store must do, as tests that each implementation declares for itself: cases C1 to C24 of the conformance list.
 * A harness says how to open, break and restart its store, and what of that it can do; a case that needs more is skipped in
 * plain sight. It knows no implementation.
 */
import { test } from "node:test";
import { declareDataCases } from "./contract/data.ts";
import { declareElectionCases } from "./contract/elections.ts";
import { declareLeaseCases } from "./contract/leases.ts";
import { declareModelCases } from "./contract/model.ts";
import { declareOperationCases } from "./contract/operations.ts";
import type { StoreHarness, Suite } from "./contract/suite.ts";
import { declareWatchCases } from "./contract/watches.ts";

export type { OpenOptions, StoreUnderTest } from "./contract/suite.ts";

/** Declares the whole contract for one implementation. */
export function declareStoreContract(harness: StoreHarness): void {
  const suite: Suite = {
    harness,
    case(title, run, needs, options) {
      const skip = needs === undefined || harness.can.includes(needs) ? false : `${harness.name} can't ${needs}`;
      test(`${harness.name}: ${title}`, { skip }, async () => {
        await using sut = await harness.open(options);
        await run(sut);
      });
    },
  };
  declareDataCases(suite);
  declareWatchCases(suite);
  declareLeaseCases(suite);
  declareElectionCases(suite);
  declareOperationCases(suite);
  declareModelCases(suite);
}
