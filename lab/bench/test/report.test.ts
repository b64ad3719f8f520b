import { expect, test } from 'vitest';
import { collect, table } from '../src/index.ts';

function stream(isTTY: boolean) {
  let written = '';
  return {
    isTTY,
    write(text: string) {
      written += text;
    },
    get written() {
      return written;
    },
  };
}

test('the ratio is computed, and numbers claim no more precision than a run has', () => {
  const report = collect(stream(false));
  report.row({ name: 'a', value: 123_456.789, unit: 'ops/s', baseline: 100_000 });
  expect(report.rows).toEqual([{ name: 'a', value: 123_500, unit: 'ops/s', baseline: 100_000, ratio: 1.235 }]);
});

test('progress is for a terminal; notes are for everybody', () => {
  const [pipe, terminal] = [stream(false), stream(true)];
  for (const errors of [pipe, terminal]) {
    const report = collect(errors);
    report.progress('working');
    report.note('limits were raised');
    report.done();
  }
  expect(pipe.written).toBe('limits were raised\n');
  expect(terminal.written).toContain('working');
  expect(terminal.written).toContain('limits were raised\n');
});

test('a table lines up', () => {
  const lines = table('crypto', [
    { name: 'x', value: 1_000, unit: 'ops/s', baseline: 2_000, ratio: 0.5 },
    { name: 'longer', value: 1, unit: 'MiB/s', baseline: 1, ratio: 1 },
  ]).split('\n');
  expect(lines.length).toBe(3);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[1]).toMatch(/^x +1,000 +2,000 {2}ops\/s +0\.50$/);
});

test('a row that cannot be measured says why; only rows that are asked for are wanted', () => {
  const report = collect(stream(false), 1, ['a']);
  expect(report.wants('a')).toBe(true);
  expect(report.wants('b')).toBe(false);
  expect(collect(stream(false)).wants('b')).toBe(true);
  report.skip('a', 'not installed');
  expect(report.rows).toEqual([{ name: 'a', skipped: 'not installed' }]);
  expect(table('relay', report.rows)).toContain('skipped: not installed');
});
