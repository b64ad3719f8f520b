import { describe, expect, test } from 'vitest';
import { interleave, median, rate } from '../src/index.ts';
import { percentile } from '../src/measure.ts';

describe('measuring', () => {
  test('the median is the middle, or the mean of the two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 1, 2, 4])).toBe(3);
    expect(median([5])).toBe(5);
    expect(() => median([])).toThrow(RangeError);
  });

  test('a percentile is one of the values: the smallest that so many do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
    expect(percentile(values, 0)).toBe(1);
    expect(percentile([7], 0.99)).toBe(7);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });

  test('ours and the baseline take turns, in alternating order, after one round that does not count', async () => {
    const order: string[] = [];
    const round = (name: string, values: number[]) => () => {
      order.push(name);
      return values.shift()!;
    };
    const result = await interleave(round('ours', [1e9, 10, 30, 20]), round('bare', [1e9, 1, 3, 2]), 3);
    expect(order).toEqual(['bare', 'ours', 'bare', 'ours', 'ours', 'bare', 'bare', 'ours']);
    expect(result).toEqual({ value: 20, baseline: 2 });
  });

  test('a rate counts every call', async () => {
    let calls = 0;
    const started = performance.now();
    const perSecond = await rate(() => {
      calls += 1;
    }, 15)();
    const elapsed = (performance.now() - started) / 1000;
    expect(perSecond).toBeGreaterThanOrEqual((calls / elapsed) * 0.9);
    expect(elapsed).toBeGreaterThanOrEqual(0.015);
  });
});
