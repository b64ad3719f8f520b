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
