import { expect, it } from 'vitest';
import { defineLimit, limitTable, listenerLimits, readLimit, readListenerLimits } from '../src/index.ts';

const limit = {
  name: 'codes',
  default: 20,
  min: 1,
  max: 100,
  flag: '--max-codes',
  env: 'CAPONIER_MAX_CODES',
  doc: 'open codes',
};

it('takes the flag before the environment before the default', () => {
  expect(readLimit(limit, { env: {} })).toBe(20);
  expect(readLimit(limit, { env: { CAPONIER_MAX_CODES: '30' } })).toBe(30);
  expect(readLimit(limit, { env: { CAPONIER_MAX_CODES: '30' }, flags: { '--max-codes': 40 } })).toBe(40);
});

it.each(['0', '101', '-1', '1.5', '1e1', '', ' 5', '0x10', 'many', '99999999999999999999'])('refuses %j', (value) => {
  expect(() => readLimit(limit, { env: { CAPONIER_MAX_CODES: value } })).toThrow(
    expect.objectContaining({ code: 'host.bad_config' }),
  );
});

it('refuses a definition that contradicts itself', () => {
  expect(() => defineLimit({ ...limit, default: 0 })).toThrow();
  expect(() => defineLimit({ ...limit, flag: 'max-codes' })).toThrow();
  expect(() => defineLimit({ ...limit, env: 'MAX_CODES' })).toThrow();
});

it('prints every limit with its flag, variable, value and meaning', () => {
  const table = limitTable(listenerLimits, { env: { CAPONIER_MAX_CONNECTIONS: '20000' } });
  for (const { flag, env, doc } of listenerLimits) {
    expect(table).toMatch(new RegExp(`^${flag} +${env} +\\d+.* ${doc.replace(/[()/]/g, '\\$&')}$`, 'm'));
  }
  expect(table).toContain('20000 (default 10000)');
});

it('names each of its limits as it is read', () => {
  const limits = readListenerLimits({ env: {} });
  expect(Object.keys(limits)).toEqual(listenerLimits.map(({ name }) => name));
  expect(limits.maxConnections).toBe(10_000);
});
