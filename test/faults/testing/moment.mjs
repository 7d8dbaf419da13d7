/**
 * Loaded into a manager under test (`--import`): at SIGUSR2 it does what the file of FAULT_MOMENT says. What no tool from outside can do to
 * one process alone: `{offsetMs}` moves its wall clock, `{blockMs}` holds its event loop, `{ballastMiB}` fills so much of its heap,
 * `{collect}` has its memory collected. The file is gone when that is done, or when the loop is about to be held.
 */
import { readFileSync, unlinkSync } from "node:fs";
import process from "node:process";

const realNow = Date.now;
let offsetMs = 0;
const ballast = [];
Date.now = () => realNow() + offsetMs;

process.on("SIGUSR2", () => {
  const moment = JSON.parse(readFileSync(process.env.FAULT_MOMENT, "utf8"));
  if (moment.offsetMs !== undefined) offsetMs = moment.offsetMs;
  if (moment.ballastMiB !== undefined) {
    ballast.length = 0;
    while (ballast.length < moment.ballastMiB) ballast.push(Array.from({ length: 131_072 }, () => 0.5));
  }
  // The last resort gives back the pages as well that a usual collection would keep for later.
  if (moment.collect === true) globalThis.gc?.({ type: "major", flavor: "last-resort", execution: "sync" });
  unlinkSync(process.env.FAULT_MOMENT);
  if (moment.blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, moment.blockMs);
});
