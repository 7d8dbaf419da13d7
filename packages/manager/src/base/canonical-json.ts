/** JSON in one spelling: what is the same value is the same text, whatever order its members were written in. Lists keep theirs. */

/** `value` is what JSON.parse gives: acyclic, and no deeper than the stack allows. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Without a prototype, `__proto__` is a member like any other.
  const ordered = Object.create(null) as Record<string, unknown>;
  for (const [name, of] of members) ordered[name] = inOrder(of);
  return ordered;
}
