import { Counter, type Registry } from 'prom-client';

/** Labels with all of their values. */
export type Labels = Readonly<Record<string, readonly string[]>>;

/**
 * A counter whose rows are all made at the start, at 0. Yields how to count: one value for each label, in their order. A
 * combination that is not on the lists counts nothing.
 */
export function createTable(
  registry: Registry,
  name: string,
  help: string,
  labels: Labels,
): (values: readonly string[], by?: number) => void {
  const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [registry] });
  const rows = new Map<string, Counter.Internal>();
  for (const values of combinations(Object.values(labels))) {
    const row = counter.labels(...values);
    row.inc(0);
    rows.set(values.join('\n'), row);
  }
  return (values, by = 1) => rows.get(values.join('\n'))?.inc(by);
}

function combinations([first, ...rest]: readonly (readonly string[])[]): string[][] {
  if (!first) return [[]];
  const others = combinations(rest);
  return first.flatMap((value) => others.map((other) => [value, ...other]));
}
