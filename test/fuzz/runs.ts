/** How long the fuzz tests run: `FUZZ_RUNS` cases for each property, 2,000 unless it is set. A failure prints its seed. */
export const fuzzRuns: number = Number(process.env["FUZZ_RUNS"] ?? 2_000);
