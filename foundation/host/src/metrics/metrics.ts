import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type Counters, createMeter, type Meter, type Timings } from './meter.ts';
import { createTable, type Labels } from './table.ts';

/** One number that is looked up when somebody asks for it. */
export interface GaugeSpec {
  /** Without `caponier_`. With its unit at the end: `_bytes`, `_seconds`. */
  readonly name: string;
  readonly help: string;
  /** Undefined where it cannot be said now: the row is left out. */
  readonly sample: () => number | undefined | Promise<number | undefined>;
}

/** The numbers of one process. */
export interface Metrics {
  meter<C extends Counters, T extends Timings>(prefix: string, counters: C, timings: T): Meter<C, T>;
  /** A counter with several labels; yields how to count. `name` without `caponier_`. */
  table(name: string, help: string, labels: Labels): (values: readonly string[], by?: number) => void;
  gauge(spec: GaugeSpec): void;
  /** What does not change while this process runs: a row for each name, with its value. */
  constants(name: string, help: string, label: string, values: Readonly<Record<string, number>>): void;
  /** A row that is always 1 and says something in its labels, as `caponier_info{version="…"}`. Words of ours only. */
  info(name: string, help: string, labels: Readonly<Record<string, string>>): void;
  /** Everything, in the text form of Prometheus. */
  text(): Promise<string>;
  /** Everything, for programs of ours. */
  read(): Promise<MetricDocument[]>;
}

/** One metric with its rows. A histogram's rows are named `…_bucket` (label `le`), `…_sum` and `…_count`. */
export interface MetricDocument {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly metricName?: string;
  }[];
}

/** Their label is whatever Node happens to have open: rows would come and go with what peers do. */
const unstable = ['nodejs_active_handles', 'nodejs_active_requests', 'nodejs_active_resources'];

/**
 * The numbers of this process, in a registry of its own: no library can add to it by being loaded. With memory, time, event
 * loop and open files of the process.
 */
export function createMetrics({ service, version }: { readonly service: string; readonly version: string }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of unstable) registry.removeSingleMetric(name);
  const registers = [registry];
  const metrics: Metrics = {
    meter: (prefix, counters, timings) => createMeter(registry, prefix, counters, timings),
    table: (name, help, labels) => createTable(registry, `caponier_${name}`, help, labels),
    gauge({ name, help, sample }) {
      new Gauge({
        name: `caponier_${name}`,
        help,
        registers,
        async collect() {
          // One number that cannot be had must not cost the others.
          const value = await Promise.resolve()
            .then(sample)
            .catch(() => undefined);
          if (value === undefined || !Number.isFinite(value)) this.remove();
          else this.set(value);
        },
      });
    },
    constants(name, help, label, values) {
      const gauge = new Gauge({ name: `caponier_${name}`, help, labelNames: [label], registers });
      for (const [row, value] of Object.entries(values)) gauge.set({ [label]: row }, value);
    },
    info(name, help, labels) {
      new Gauge({ name: `caponier_${name}`, help, labelNames: Object.keys(labels), registers }).set({ ...labels }, 1);
    },
    text: () => registry.metrics(),
    read: async () => {
      const documents = (await registry.getMetricsAsJSON()) as unknown as MetricDocument[];
      return documents.map(({ name, help, type, values }) => ({ name, help, type, values }));
    },
  };
  metrics.info('info', 'What runs here.', { service, version });
  return metrics;
}
