import { afterAll, describe, expect, test } from 'vitest';
import { journeys } from '../all.ts';
import { attacks } from '../attacks/all.ts';
import { Stage } from '../stage.ts';

/** The whole product as people meet it: real processes, real sockets, real files. Each builds on those before. */
const stage = new Stage();
const times: string[] = [];

afterAll(async () => {
  await stage.close();
  console.log(`journeys: ${times.join(', ')}`);
}, 60_000);

describe('journeys', () => {
  test.each(journeys)('$title', { timeout: 120_000 }, async ({ title, run }) => {
    const begin = performance.now();
    await run(stage);
    times.push(`${title} ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  });
});

describe('attacks on what they left running', () => {
  test.each(attacks)('$what is refused with $code', { timeout: 60_000 }, async ({ code, run }) => {
    expect(await run(stage)).toBe(code);
  });
});
