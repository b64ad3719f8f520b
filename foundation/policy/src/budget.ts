import { fail } from '@caponier/protocol';
import { type Money, parseMoney } from './money.ts';

export type Period = 'hour' | 'day' | 'month' | 'total';

/**
 * A limit on what one rule may spend, written as `@budget("meals 50.00 EUR per day")`. It counts for each agent by its
 * name (a device that asks for its person counts by its key); with ` shared` at the end, for all of the owner's together.
 */
export interface Budget {
  readonly name: string;
  readonly limit: Money;
  readonly per: Period;
  readonly shared: boolean;
}

const form = /^([a-z0-9][a-z0-9._-]{0,63}) ([0-9.]{1,32} [A-Z]{3,5}) per (hour|day|month|total)( shared)?$/;

/** Reads the annotation. Throws `policy.bad_amount`, or `policy.invalid` for another form. */
export function parseBudget(text: string): Budget {
  const match = form.exec(text);
  if (!match)
    throw fail(
      'policy.invalid',
      'a budget is written "name 50.00 EUR per hour|day|month|total", with " shared" for all agents',
    );
  const [, name = '', limit = '', per, shared] = match;
  return Object.freeze({ name, limit: parseMoney(limit), per: per as Period, shared: shared !== undefined });
}

/** Start of the period that contains `time`, both in seconds since the epoch; calendar periods are UTC. */
export function periodStart(per: Period, time: number): number {
  if (per === 'total') return 0;
  if (per === 'hour') return time - (time % 3600);
  if (per === 'day') return time - (time % 86_400);
  const date = new Date(time * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
}
