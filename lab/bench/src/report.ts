import { defaultRounds } from './measure.ts';
import type { Report, Row, Skipped } from './suite.ts';

interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Collects rows; notes go to `errors`, and progress too, there only when it is a terminal. */
export function collect(
  errors: Stream,
  rounds: number = defaultRounds,
  only: readonly string[] = [],
): Report & { readonly rows: readonly (Row | Skipped)[]; done(): void } {
  const rows: (Row | Skipped)[] = [];
  const clearLine = () => {
    if (errors.isTTY) errors.write('\r\u001b[2K');
  };
  return {
    rounds,
    rows,
    wants: (name) => only.length === 0 || only.includes(name),
    skip(name, reason) {
      rows.push({ name, skipped: reason });
    },
    row({ name, value, unit, baseline }) {
      rows.push({ name, value: round(value), unit, baseline: round(baseline), ratio: round(value / baseline) });
    },
    note(text) {
      clearLine();
      errors.write(`${text}\n`);
    },
    progress(text) {
      if (!errors.isTTY) return;
      clearLine();
      errors.write(text);
    },
    done: clearLine,
  };
}

/** Four significant digits: more would claim a precision that no run has. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** A table for people, one row a line. */
export function table(suite: string, rows: readonly (Row | Skipped)[]): string {
  const head = [suite, 'value', 'baseline', 'unit', 'ratio'];
  const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 2 });
  const lines = [
    head,
    ...rows.map((row) =>
      'skipped' in row
        ? [row.name, '', '', `skipped: ${row.skipped}`, '']
        : [row.name, number(row.value), number(row.baseline), row.unit, row.ratio.toFixed(2)],
    ),
  ];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const isText = (column: number) => column === 0 || column === 3;
  const pad = (cell: string, column: number) =>
    isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}
