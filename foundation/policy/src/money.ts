import { fail } from '@caponier/protocol';
import { currencyDigits } from './currencies.ts';

/**
 * Exact money. Inside: whole units of the smallest denomination, as bigint. At the wall: decimal text with exactly the
 * digits of its currency (`12.50 EUR`, `1500 JPY`), one text for one amount. Floating point never touches it.
 */
export interface Money {
  readonly units: bigint;
  readonly currency: string;
}

/**
 * The largest amount. Cedar longs reach 2^63, but cross the boundary to WebAssembly as JavaScript numbers, which round
 * silently above 2^53: an amount that cannot be exact everywhere is refused here.
 */
export const maxUnits = 2n ** 53n - 1n;

const form = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,8}))? ([A-Z]{3,5})$/;

/** Reads `12.50 EUR`. Throws `policy.bad_amount` for any other text, an unknown currency, or more than 2^53 - 1 units. */
export function parseMoney(text: string): Money {
  const match = form.exec(text);
  if (!match) throw fail('policy.bad_amount', 'not a decimal and a currency');
  const [, whole = '', fraction = '', currency = ''] = match;
  const digits = currencyDigits(currency);
  if (digits === undefined) throw fail('policy.bad_amount', `unknown currency ${currency}`);
  if (fraction.length !== digits) throw fail('policy.bad_amount', `${currency} has ${digits} digits after the point`);
  return money(BigInt(whole + fraction), currency);
}

/** The one text of an amount: `parseMoney(formatMoney(m))` is `m`. */
export function formatMoney({ units, currency }: Money): string {
  const digits = currencyDigits(currency);
  if (digits === undefined) throw fail('policy.bad_amount', `unknown currency ${currency}`);
  const all = units.toString().padStart(digits + 1, '0');
  const point = all.length - digits;
  return `${all.slice(0, point)}${digits ? '.' : ''}${all.slice(point)} ${currency}`;
}

/** Checks and makes an amount. Throws `policy.bad_amount` below 0, above 2^53 - 1, or for an unknown currency. */
export function money(units: bigint, currency: string): Money {
  if (currencyDigits(currency) === undefined) throw fail('policy.bad_amount', `unknown currency ${currency}`);
  if (units < 0n || units > maxUnits) throw fail('policy.bad_amount', 'out of range');
  return Object.freeze({ units, currency });
}

/** Throws `policy.bad_amount` when the currencies differ or the sum is out of range. */
export function addMoney(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw fail('policy.bad_amount', 'two currencies');
  return money(a.units + b.units, a.currency);
}

/** Throws `policy.bad_amount` when the currencies differ or the result would be below zero. */
export function subtractMoney(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw fail('policy.bad_amount', 'two currencies');
  return money(a.units - b.units, a.currency);
}
