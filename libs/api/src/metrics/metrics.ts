// What an instance counts and measures of itself, in one registry, as Prometheus reads it.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** One figure; docs/reference/metrics.md is made of these. */
export interface MetricDefinition {
  /** Ends in its unit: `_seconds`, `_usd`; `_total` for what only grows. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

export type Labels = Readonly<Record<string, string>>;

/** Values as they are at the moment, by their labels. */
export type Reading = Iterable<readonly [Labels, number]>;

/** Of one figure: what is beyond is not shown. */
const rowsMax = 1_000;

export class Metrics {
  readonly #registry = new Registry();
  #isAlone = true;

  /** The type of `text`. */
  readonly contentType = this.#registry.contentType;

  /** Something that happens now and then. `known` begin at 0: of a series that begins at 1 no increase is seen. */
  counter({ name, help, labels }: MetricDefinition, known: readonly Labels[] = []): (labels?: Labels) => void {
    const counter = new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] });
    for (const of of known) counter.inc({ ...of }, 0);
    return (of = {}) => counter.inc({ ...of });
  }

  /** Something that takes its time, in seconds. `known` as for a counter. */
  histogram(
    { name, help, labels, buckets = [] }: MetricDefinition,
    known: readonly Labels[] = [],
  ): (labels: Labels, seconds: number) => void {
    const shape = { name, help, labelNames: [...labels], buckets: [...buckets], registers: [this.#registry] };
    const histogram = new Histogram(shape);
    for (const of of known) histogram.zero({ ...of });
    return (of, seconds) => histogram.observe({ ...of }, seconds);
  }

  /** Read at each scrape. One that cannot be read now is left out, and the others are shown. */
  read({ name, help, labels, kind }: MetricDefinition, look: () => Reading | Promise<Reading>): void {
    const shape = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (kind === 'counter')
      new Counter({
        ...shape,
        collect: async function () {
          for (const [of, value] of await rowsOf(this, labels, look)) this.inc(of, value);
        },
      });
    else
      new Gauge({
        ...shape,
        collect: async function () {
          for (const [of, value] of await rowsOf(this, labels, look)) this.set(of, value);
        },
      });
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    // Only of an instance that is asked: they keep a timer.
    if (this.#isAlone) collectDefaultMetrics({ register: this.#registry });
    this.#isAlone = false;
    return this.#registry.metrics();
  }
}

async function rowsOf(
  metric: { reset(): void; remove(): void },
  labels: readonly string[],
  look: () => Reading | Promise<Reading>,
): Promise<[Record<string, string>, number][]> {
  metric.reset();
  // What has no labels is 0 after a reset: nothing is something else.
  if (labels.length === 0) metric.remove();
  try {
    return [...(await look())].slice(0, rowsMax).map(([labels, value]) => [{ ...labels }, value]);
  } catch {
    return [];
  }
}
