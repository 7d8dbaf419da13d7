/** Taking one's turn among what is being started on this instance. */
import type { Clock } from "../base/clock.ts";
import type { Semaphore } from "../base/semaphore.ts";

/** A slow opening gives its place among the starting ones back after this long, so that a hung server delays no other. */
const startPlaceMs = 5_000;

/** Opens when there is a place; rejects with the signal's reason when it is aborted before. */
export async function openInTurn<T>(
  { starts, clock }: { readonly starts: Semaphore; readonly clock: Clock },
  signal: AbortSignal,
  open: () => Promise<T>,
): Promise<T> {
  const release = await starts.acquire(signal);
  const place = clock.after(startPlaceMs, release);
  try {
    signal.throwIfAborted();
    return await open();
  } finally {
    place.cancel();
    release();
  }
}
