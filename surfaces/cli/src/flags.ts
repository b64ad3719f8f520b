import { fail } from '@caponier/protocol';

/** The value of a flag that is a whole number in a range. Throws `cli.usage`. */
export function wholeNumber(text: unknown, flag: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,15}$/.test(String(text)) && value >= least && value <= most) return value;
  throw fail('cli.usage', `${flag}: a whole number from ${least} to ${most}`);
}

const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** `30m`, `12h`, `90d` in seconds. Throws `cli.usage`. */
export function duration(text: string, flag: string): number {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0) throw fail('cli.usage', `${flag}: such as 30m, 12h or 90d`);
  return Number(number) * units[unit!]!;
}
