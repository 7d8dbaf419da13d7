/** "Did you mean": the known word that is closest to a mistyped one. */

/** The known word at most a third of its letters away (two for short ones), the closest first; else nothing. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance: far }) => far <= Math.max(2, Math.floor(candidate.length / 3)) && far < candidate.length,
    )
    .toSorted((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** Levenshtein's distance, words cut at 64 characters so that the cost is bounded. */
function distance(a: string, b: string): number {
  const target = b.slice(0, 64);
  let row = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a.slice(0, 64)).entries()) {
    const next = [i + 1];
    for (let j = 0; j < target.length; j += 1) {
      const swap = (row[j] ?? 0) + (target[j] === letter ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
