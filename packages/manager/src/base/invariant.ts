/** Assertions about the program itself. A failure is our bug, never the caller's: it is loud and it is not caught. */

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws when `condition` does not hold; `message` says what was believed. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${message}`);
}

/** The default branch of an exhaustive switch: a new case does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`);
}
