/** Results that are hard on whoever parses them, as JSON text. */

const wide = (count) => Array.from({ length: count }, (_, at) => `"${at.toString(36)}":0`).join(",");

/** By the name that `fault` is told: `{do: "bomb", kind}`. */
export const bombs = {
  deep: () => "[".repeat(100_000) + "]".repeat(100_000),
  /** Deep in a message that is short. */
  steep: () => "[".repeat(1_000) + "]".repeat(1_000),
  wide: () => `{${wide(1_000_000)}}`,
  proto: () => '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  twice: () => '{"a":1,"a":2,"a":{"a":3}}',
  huge: () => `[${"9".repeat(10_000)},1e400,-1e-400,0.${"1".repeat(10_000)}]`,
  surrogates: () => String.raw`["\ud800","\udc00\ud800","\ud83d"]`,
};

/** A whole result that holds the bomb. */
export function bombResult(kind, isModern) {
  const type = isModern ? '"resultType":"complete",' : "";
  return `{${type}"content":[],"structuredContent":{"bomb":${bombs[kind]()}}}`;
}
