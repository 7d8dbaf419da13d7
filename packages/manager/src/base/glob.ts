/** Patterns for names, in which `*` stands for any text. Matching takes linear time whatever pattern and name are. */

/** Whether a name matches one of the patterns. */
export type NameMatcher = (name: string) => boolean;

/** Compiles patterns; none at all match nothing. */
export function globMatcher(patterns: readonly string[]): NameMatcher {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const split = patterns.filter((pattern) => pattern.includes("*")).map((pattern) => pattern.split("*"));
  return (name) => exact.has(name) || split.some((parts) => matches(name, parts));
}

/** The parts between stars are found one after the other, each at its first place: a later one leaves less for the rest. */
function matches(name: string, parts: readonly string[]): boolean {
  const [first = "", ...others] = parts;
  const last = others.pop() ?? "";
  const end = name.length - last.length;
  if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
