import { fail } from '@caponier/protocol';

/** A limit that an operator may change: every one has a name, a default, a flag, an environment variable and a sentence. */
export interface Limit {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** `--max-connections` */
  readonly flag: string;
  /** `CAPONIER_MAX_CONNECTIONS` */
  readonly env: string;
  /** What it bounds, with its unit. */
  readonly doc: string;
}

/** Where settings come from: flags win over the environment, which wins over the default. */
export interface Settings {
  /** Values of flags by their name, as typed. */
  readonly flags?: Readonly<Record<string, string | number | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Checks a limit's own definition: a default out of its range is a fault of ours. */
export function defineLimit(limit: Limit): Limit {
  const { default: value, min, max, flag, env } = limit;
  const whole = [value, min, max].every(Number.isSafeInteger);
  if (!whole || value < min || value > max || !/^--[a-z-]+$/.test(flag) || !/^CAPONIER_[A-Z_]+$/.test(env)) {
    throw fail('host.internal', `limit ${limit.name}`);
  }
  return Object.freeze(limit);
}

/** The limit's value. Throws `host.bad_config`, naming flag or variable, for anything but a whole number in range. */
export function readLimit(limit: Limit, { flags = {}, env }: Settings): number {
  const fromFlag = flags[limit.flag];
  const fromEnv = env[limit.env];
  const [source, given] = fromFlag !== undefined ? [limit.flag, fromFlag] : [limit.env, fromEnv];
  if (given === undefined) return limit.default;
  const text = String(given);
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < limit.min || value > limit.max) {
    throw fail('host.bad_config', `${source} must be a whole number from ${limit.min} to ${limit.max}`);
  }
  return value;
}

/** A pair of limits of which the first cannot be above the second. */
export type Within = readonly [small: Limit, large: Limit];

/**
 * The values of limits by name. Where `within` pairs them, a default gives way to the value that its other half was given;
 * two values that somebody gave and that cannot both hold are refused with `host.bad_config`.
 */
export function readLimits(
  limits: readonly Limit[],
  settings: Settings,
  within: readonly Within[] = [],
): Record<string, number> {
  const values = Object.fromEntries(limits.map((limit) => [limit.name, readLimit(limit, settings)]));
  const given = ({ flag, env }: Limit) => (settings.flags?.[flag] ?? settings.env[env]) !== undefined;
  for (const [small, large] of within) {
    const [low, high] = [values[small.name]!, values[large.name]!];
    if (low <= high) continue;
    if (!given(small)) values[small.name] = high;
    else if (!given(large) && low <= large.max) values[large.name] = low;
    else throw fail('host.bad_config', `${small.flag} (${low}) cannot be above ${large.flag} (${high})`);
  }
  return values;
}

/** The table that `--help` and the documentation print; `settings` given, with the values in force, those raised marked. */
export function limitTable(limits: readonly Limit[], settings?: Settings): string {
  const rows = limits.map((limit) => {
    const value = settings ? readLimit(limit, settings) : limit.default;
    const shown = value === limit.default ? String(value) : `${value} (default ${limit.default})`;
    return [limit.flag, limit.env, shown, limit.doc];
  });
  const all = [['flag', 'environment', 'value', 'what it bounds'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
