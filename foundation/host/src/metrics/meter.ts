import { Histogram, type Registry } from 'prom-client';
import { createTable } from './table.ts';

/**
 * Counters as a domain names them: the name of their one label, all of its values, and a sentence.
 *
 * Threat: a label that a peer can choose makes a new row for every peer, here and in whatever collects it. Measure: every
 * row is made at the start, at 0, and there is no way to add one.
 */
export type Counters = Readonly<
  Record<string, { readonly label: string; readonly values: readonly string[]; readonly help: string }>
>;

/** Histograms of durations, each with its sentence. */
export type Timings = Readonly<Record<string, string>>;

export interface Meter<C extends Counters, T extends Timings> {
  /** Something of this kind happened, `by` times (default 1). A value that is not on the list counts nothing. */
  add<K extends keyof C & string>(counter: K, value: C[K]['values'][number], by?: number): void;
  /** How long something took, in milliseconds. */
  time(timing: keyof T & string, milliseconds: number): void;
}

/** Upper ends in seconds, from a look into memory to a client that gives up. */
const TIMING_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** `caponier_<prefix>_<counter>_total{label="…"}` and `caponier_<prefix>_<timing>_seconds`, all of them from the start. */
export function createMeter<C extends Counters, T extends Timings>(
  registry: Registry,
  prefix: string,
  counters: C,
  timings: T,
): Meter<C, T> {
  const tables = new Map(
    Object.entries(counters).map(([name, { label, values, help }]) => [
      name,
      createTable(registry, `caponier_${prefix}_${name}_total`, help, { [label]: values }),
    ]),
  );
  const histograms = new Map(
    Object.entries(timings).map(([name, help]) => {
      const full = `caponier_${prefix}_${name}_seconds`;
      return [name, new Histogram({ name: full, help, buckets: [...TIMING_BUCKETS], registers: [registry] })];
    }),
  );
  return {
    add: (counter, value, by = 1) => tables.get(counter)?.([value], by),
    time: (timing, milliseconds) => histograms.get(timing)?.observe(milliseconds / 1000),
  };
}
