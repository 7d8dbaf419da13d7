/** Randomness as a value that is passed in, so that a test can replay a run from its seed. */
import { randomBytes } from "node:crypto";

export interface Random {
  /** A number in [0, 1). Not for secrets. */
  next(): number;
  /** Bytes fit for keys and ids. A seeded source gives predictable ones: tests only. */
  bytes(length: number): Buffer;
}

/** The operating system's generator for bytes; `Math.random` for jitter. */
export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => randomBytes(length),
};

/** mulberry32: small, fast, the same sequence for the same seed on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    bytes: (length) => Buffer.from(Array.from({ length }, () => Math.floor(next() * 256))),
  };
}
