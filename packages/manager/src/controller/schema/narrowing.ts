/** One way in which a schema takes less than another, and the same in words, from either side. Finds none. */

/**
 * - `type`, `values`, `bound`, `rule`: a value may be refused for its type, its being none of a list, its size, or another keyword
 * - `required`: a member has to be there
 * - `gone`: a member is no longer described
 * - `closed`: members that are not described are refused, or described now
 * - `union`: none of the alternatives takes all of it
 * - `nothing`: no value is taken
 * - `unclear`: it is too deep or too intricate to be compared, so that it has to be taken for narrower
 */
export type NarrowingRule =
  | "type"
  | "values"
  | "bound"
  | "rule"
  | "required"
  | "gone"
  | "closed"
  | "union"
  | "nothing"
  | "unclear";

export interface Narrowing {
  /** Names of the members that lead there; `[]` for the elements of a list, `*` for members that are not described. */
  readonly at: readonly string[];
  readonly rule: NarrowingRule;
  /** Types or values that are refused; of `bound` and `rule` the keyword. */
  readonly what: string;
  /** Of `bound`: what it is in the wider schema, and in the narrower. */
  readonly wider?: unknown;
  readonly narrower?: unknown;
}

/** How a change reads: of an input or of an output, that takes less or more than it did. */
export type Reading = "input narrowed" | "input widened" | "output widened" | "output narrowed";

type Wording = Readonly<Record<Exclude<NarrowingRule, "bound">, (what: string) => string>>;

const unclear = (): string => "is too deep or too intricate to be compared";
const another = (what: string): string => `has another rule "${what}"`;

const wordings: Readonly<Record<Reading, Wording>> = {
  "input narrowed": {
    type: (what) => `no longer takes ${what}`,
    values: (what) => `no longer takes ${what}`,
    rule: another,
    required: () => "is required now",
    gone: () => "is gone",
    closed: () => "no longer takes members that it does not describe",
    union: () => "no longer takes all that one of its alternatives took",
    nothing: () => "takes nothing any more",
    unclear,
  },
  "input widened": {
    type: (what) => `takes ${what} too`,
    values: (what) => `takes ${what} too`,
    rule: another,
    required: () => "is no longer required",
    gone: () => "is new",
    closed: () => "takes members that it does not describe",
    union: () => "takes another alternative",
    nothing: () => "takes something now",
    unclear,
  },
  "output widened": {
    type: (what) => `may be ${what} now`,
    values: (what) => `may be ${what} now`,
    rule: another,
    required: () => "may be missing now",
    gone: () => "is gone",
    closed: () => "may have members of other types now",
    union: () => "may be another alternative now",
    nothing: () => "is there now",
    unclear,
  },
  "output narrowed": {
    type: (what) => `is never ${what} any more`,
    values: (what) => `is never ${what} any more`,
    rule: another,
    required: () => "is always there now",
    gone: () => "is new",
    closed: () => "has members of described types only",
    union: () => "has fewer alternatives",
    nothing: () => "is never there any more",
    unclear,
  },
};

const nameLengthMax = 120;

/** `the input "days" is required now`. */
export function inWords({ at, rule, what, wider, narrower }: Narrowing, reading: Reading): string {
  const side = reading.startsWith("input") ? "input" : "output";
  const path = at.reduce((text, name) => (text === "" || name === "[]" ? text + name : `${text}.${name}`), "");
  const subject = path === "" ? `its ${side}` : `the ${side} "${cut(path)}"`;
  if (rule !== "bound") return `${subject} ${wordings[reading][rule](cut(what))}`;
  const isNarrower = reading.endsWith("narrowed");
  const [was, is] = isNarrower ? [wider, narrower] : [narrower, wider];
  return `${subject} has ${what} ${shown(is)}, which was ${shown(was)}`;
}

function shown(bound: unknown): string {
  return bound === undefined ? "none" : cut(JSON.stringify(bound));
}

function cut(text: string): string {
  return text.length <= nameLengthMax ? text : `${text.slice(0, nameLengthMax)}…`;
}
