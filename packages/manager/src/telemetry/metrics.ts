/**
 * The metrics of this process: counters, gauges and histograms with children that are resolved once and then cost an addition.
 * Owns names, label values and their bound, and the text that Prometheus scrapes; never decides what is counted.
 * Source: Prometheus text exposition format 0.0.4.
 */
import { invariant } from "../base/invariant.ts";
import { escapeHelp, labelsText, numberText } from "./exposition.ts";

/** A number that only grows. */
export interface CounterChild {
  /** `by` is zero or more. Default 1. */
  inc(by?: number): void;
  readonly value: number;
}

/** A number that goes up and down. */
export interface GaugeChild {
  set(value: number): void;
  add(by: number): void;
  readonly value: number;
}

/** How observations are spread over buckets. */
export interface HistogramChild {
  observe(value: number): void;
  readonly count: number;
  readonly sum: number;
}

/** All the children of one name. */
export interface Family<Child> {
  readonly name: string;
  /**
   * The child of these label values, in the order of the label names. Resolve it once and keep it: the look-up builds a text.
   * Beyond the family's bound every new combination is the one child whose values are all `other`.
   */
  child(values?: readonly string[]): Child;
}

/** A family whose children can be dropped, for gauges that a collector writes anew at each scrape. */
export interface GaugeFamily extends Family<GaugeChild> {
  /** Forgets every child. Those handed out before are no longer shown. */
  clear(): void;
}

/** Bounds in seconds, for durations from half a millisecond (a call that costs nothing but us) to the longest time-out. */
const durationBuckets: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
];

/** Children of one family at most: 100 servers × 20 combinations; at some 200 bytes each a family stays under a megabyte. */
const childrenMaxDefault = 2_000;
const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelPattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export interface MetricsOptions {
  /** Children of one family at most; further label values count as `other`. Default 2,000. */
  readonly childrenMax?: number;
}

/** The registry of one process. Handed to whoever counts. */
export class Metrics {
  readonly #childrenMax: number;
  readonly #families = new Map<string, AnyFamily>();
  readonly #collectors: (() => void)[] = [];

  constructor(options: MetricsOptions = {}) {
    this.#childrenMax = options.childrenMax ?? childrenMaxDefault;
  }

  /** The counter of this name; by custom it ends in `_total`. Asked for twice, it is the same one. */
  counter(name: string, help: string, labels: readonly string[] = []): Family<CounterChild> {
    return this.#family(name, { type: "counter", help, labels }, () => new Counter());
  }

  gauge(name: string, help: string, labels: readonly string[] = []): GaugeFamily {
    return this.#family(name, { type: "gauge", help, labels }, () => new Gauge());
  }

  /** `buckets` are upper bounds, ascending, without +Inf. Default `durationBuckets`; the unit is in the name. */
  histogram(
    name: string,
    help: string,
    labels: readonly string[] = [],
    buckets: readonly number[] = durationBuckets,
  ): Family<HistogramChild> {
    const bounds = Float64Array.from(buckets);
    invariant(
      bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0)),
      `the buckets of ${name} ascend`,
    );
    return this.#family(name, { type: "histogram", help, labels }, () => new Histogram(bounds));
  }

  /** Calls `collect` before each scrape: for what is state elsewhere and would only be copied here. */
  onScrape(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Everything, as Prometheus reads it. A collector that throws makes its own part stale, and nothing else. */
  text(): string {
    for (const collect of this.#collectors) {
      try {
        collect();
      } catch {
        this.counter("mcp_manager_metrics_collector_failures_total", "Collectors that failed at a scrape.")
          .child()
          .inc();
      }
    }
    return [...this.#families.values()].map((family) => family.text()).join("");
  }

  #family<C extends Sampled>(name: string, shape: Shape, make: () => C): ChildFamily<C> {
    const known = this.#families.get(name);
    if (known !== undefined) {
      invariant(
        known.shape.type === shape.type && known.shape.labels.join() === shape.labels.join(),
        `metric ${name} is asked for with one type and one set of labels`,
      );
      return known as ChildFamily<C>; // the type is the same, so the children are
    }
    invariant(namePattern.test(name), `"${name}" can name a metric`);
    invariant(
      shape.labels.every((label) => labelPattern.test(label)),
      `the labels of ${name} can name labels`,
    );
    const made = new ChildFamily(name, shape, make, this.#childrenMax);
    this.#families.set(name, made);
    return made;
  }
}

interface Shape {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

interface Sampled {
  /** The samples of one child; `labels` is `a="b",c="d"` or empty. */
  text(name: string, labels: string): string;
}

interface AnyFamily {
  readonly shape: Shape;
  text(): string;
}

class ChildFamily<C extends Sampled> implements Family<C> {
  readonly name: string;
  readonly shape: Shape;
  readonly #make: () => C;
  readonly #childrenMax: number;
  readonly #children = new Map<string, C>();

  constructor(name: string, shape: Shape, make: () => C, childrenMax: number) {
    this.name = name;
    this.shape = shape;
    this.#make = make;
    this.#childrenMax = childrenMax;
    if (shape.labels.length === 0) this.child();
  }

  child(values: readonly string[] = []): C {
    const { labels } = this.shape;
    invariant(values.length === labels.length, `${this.name} has the labels ${labels.join(", ") || "(none)"}`);
    const key = labelsText(labels, values);
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    if (this.#children.size >= this.#childrenMax) return this.#overflow();
    return this.#add(key);
  }

  clear(): void {
    this.#children.clear();
  }

  text(): string {
    const { type, help } = this.shape;
    const head = `# HELP ${this.name} ${escapeHelp(help)}\n# TYPE ${this.name} ${type}\n`;
    return head + [...this.#children].map(([labels, child]) => child.text(this.name, labels)).join("");
  }

  #overflow(): C {
    const { labels } = this.shape;
    const key = labelsText(
      labels,
      labels.map(() => "other"),
    );
    return this.#children.get(key) ?? this.#add(key);
  }

  #add(key: string): C {
    const made = this.#make();
    this.#children.set(key, made);
    return made;
  }
}

class Counter implements CounterChild, Sampled {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  inc(by = 1): void {
    this.#value += by;
  }

  text(name: string, labels: string): string {
    return `${name}${braced(labels)} ${numberText(this.#value)}\n`;
  }
}

class Gauge implements GaugeChild, Sampled {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  set(value: number): void {
    this.#value = value;
  }

  add(by: number): void {
    this.#value += by;
  }

  text(name: string, labels: string): string {
    return `${name}${braced(labels)} ${numberText(this.#value)}\n`;
  }
}

class Histogram implements HistogramChild, Sampled {
  readonly #bounds: Float64Array;
  /** One more than there are bounds: the last is what lies above them all. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] as number) + 1;
    this.#sum += value;
  }

  text(name: string, labels: string): string {
    const more = labels === "" ? "" : `${labels},`;
    const lines: string[] = [];
    let total = 0;
    for (const [index, count] of this.#counts.entries()) {
      total += count;
      const bound = this.#bounds[index];
      lines.push(`${name}_bucket{${more}le="${bound === undefined ? "+Inf" : numberText(bound)}"} ${total}\n`);
    }
    lines.push(`${name}_sum${braced(labels)} ${numberText(this.#sum)}\n`, `${name}_count${braced(labels)} ${total}\n`);
    return lines.join("");
  }
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}
