import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addMoney,
  currencies,
  formatMoney,
  maxUnits,
  money,
  parseBudget,
  parseMoney,
  periodStart,
  subtractMoney,
} from '../src/index.ts';

const anyMoney = fc
  .tuple(fc.bigInt({ min: 0n, max: maxUnits }), fc.constantFrom(...currencies))
  .map(([units, currency]) => money(units, currency));

describe('money', () => {
  it('reads decimals with exactly the digits of their currency', () => {
    expect(parseMoney('12.50 EUR')).toEqual({ units: 1250n, currency: 'EUR' });
    expect(parseMoney('1500 JPY')).toEqual({ units: 1500n, currency: 'JPY' });
    expect(parseMoney('0.001 KWD').units).toBe(1n);
    expect(parseMoney('0.10 EUR').units + parseMoney('0.20 EUR').units).toBe(parseMoney('0.30 EUR').units);
  });

  it.each([
    '12.5 EUR',
    '12.500 EUR',
    '012.50 EUR',
    '12 EUR',
    '.50 EUR',
    '-1.00 EUR',
    '+1.00 EUR',
    '1e3 JPY',
    '1.0 JPY',
    '1,00 EUR',
    '1.00EUR',
    '1.00  EUR',
    '1.00 eur',
    '1.00 XXX',
    '1.00 ETH',
    ' 1.00 EUR',
    '1.00 EUR ',
    '1.00 EUR\n',
    '٣.00 EUR',
    '',
    '90071992547409.92 EUR',
    '9999999999999999 JPY',
  ])('refuses %j', (text) => {
    expect(() => parseMoney(text)).toThrowError(expect.objectContaining({ code: 'policy.bad_amount' }));
  });

  it('holds up to 2^53 - 1 units and no more', () => {
    expect(parseMoney('90071992547409.91 EUR').units).toBe(maxUnits);
    expect(() => money(maxUnits + 1n, 'EUR')).toThrow();
    expect(() => addMoney(money(maxUnits, 'EUR'), money(1n, 'EUR'))).toThrow();
    expect(() => subtractMoney(money(0n, 'EUR'), money(1n, 'EUR'))).toThrow();
    expect(() => addMoney(money(1n, 'EUR'), money(1n, 'USD'))).toThrow();
  });

  it('has one text for one amount', () => {
    fc.assert(
      fc.property(anyMoney, (amount) => {
        expect(parseMoney(formatMoney(amount))).toEqual(amount);
      }),
    );
  });

  it('re-encodes whatever it reads to the same text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9]{0,17}\.?[0-9]{0,8} ?[A-Z]{2,6}$/),
      anyMoney.map(formatMoney),
    );
    fc.assert(
      fc.property(text, (input) => {
        let amount: ReturnType<typeof parseMoney>;
        try {
          amount = parseMoney(input);
        } catch (error) {
          expect(error).toMatchObject({ code: 'policy.bad_amount' });
          return;
        }
        expect(formatMoney(amount)).toBe(input);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('budget', () => {
  it('is read from one line', () => {
    expect(parseBudget('meals 50.00 EUR per day')).toEqual({
      name: 'meals',
      limit: { units: 5000n, currency: 'EUR' },
      per: 'day',
      shared: false,
    });
    expect(parseBudget('all 1 JPY per total shared').shared).toBe(true);
  });

  it.each([
    'meals',
    'meals 50 EUR per day',
    'meals 50.00 EUR per week',
    'Meals 50.00 EUR per day',
    'meals 50.00 EUR per day shared ',
    '',
  ])('refuses %j', (text) => expect(() => parseBudget(text)).toThrowError(/policy\.(invalid|bad_amount)/));

  it('counts in calendar periods of UTC', () => {
    const time = Date.UTC(2026, 1, 28, 13, 45, 10) / 1000;
    expect(periodStart('hour', time)).toBe(Date.UTC(2026, 1, 28, 13) / 1000);
    expect(periodStart('day', time)).toBe(Date.UTC(2026, 1, 28) / 1000);
    expect(periodStart('month', time)).toBe(Date.UTC(2026, 1, 1) / 1000);
    expect(periodStart('total', time)).toBe(0);
  });
});
