import type { Settings } from '@caponier/host';
import { fail } from '@caponier/protocol';

/** `--metrics-port` is `CAPONIER_METRICS_PORT`: every flag of a service has its variable. */
export const variableOf = (flag: string): string => `CAPONIER_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** What was typed and what the environment says, by `--name`. A flag without a value is `1`. */
export function settingsOf(flags: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): Settings {
  const typed: Record<string, string> = {};
  for (const [name, value] of Object.entries(flags)) {
    if (typeof value === 'string') typed[`--${kebab(name)}`] = value;
    else if (value === true) typed[`--${kebab(name)}`] = '1';
  }
  return { flags: typed, env };
}

/** The value of a setting; undefined where it was not said. */
export function textOf({ flags = {}, env }: Settings, flag: string): string | undefined {
  const value = flags[flag] ?? env[variableOf(flag)];
  return value === undefined || value === '' ? undefined : String(value);
}

/** Whether a setting without a value was said. Throws `host.bad_config` for a variable that is neither 0 nor 1. */
export function saidOf(settings: Settings, flag: string): boolean {
  const text = textOf(settings, flag);
  if (text === undefined || text === '0') return false;
  if (text === '1') return true;
  throw fail('host.bad_config', `${variableOf(flag)} is 0 or 1`);
}

/** A whole number in a range; undefined where it was not said. Throws `host.bad_config`. */
export function numberOf(settings: Settings, flag: string, min: number, max: number): number | undefined {
  const text = textOf(settings, flag);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value;
  throw fail('host.bad_config', `${flag} must be a whole number from ${min} to ${max}`);
}

/** One of a few words; undefined where it was not said. Throws `host.bad_config`. */
export function choiceOf<T extends string>(settings: Settings, flag: string, words: readonly T[]): T | undefined {
  const text = textOf(settings, flag);
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found === undefined) throw fail('host.bad_config', `${flag} is one of ${words.join(', ')}`);
  return found;
}
