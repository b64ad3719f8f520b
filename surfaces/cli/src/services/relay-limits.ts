import { defineLimit, type Limit, readLimit, type Settings } from '@caponier/host';
import { fail } from '@caponier/protocol';
import { type RelayLimits, relayLimitsWith, relayLimitTable } from '@caponier/relay';

const words = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every limit of the relay by name, flag and variable, with its sentence. */
export const relayLimitFlags: readonly Limit[] = Object.entries(relayLimitTable).map(([name, limit]) =>
  defineLimit({
    ...limit,
    name,
    flag: `--limit-${words(name)}`,
    env: `CAPONIER_RELAY_${words(name).replaceAll('-', '_').toUpperCase()}`,
  }),
);

/** Values by flag of `--limit name=value`, as typed. Throws `host.bad_config` for a name that there is not. */
function typed(given: readonly string[]): Record<string, string> {
  const flags: Record<string, string> = {};
  for (const text of given) {
    const [name, value = ''] = text.split('=');
    const limit = relayLimitFlags.find((known) => known.name === name);
    if (!limit) throw fail('host.bad_config', `--limit: there is no ${name}`);
    flags[limit.flag] = value;
  }
  return flags;
}

/** From `--limit name=value`, the environment, the defaults. Throws `host.bad_config`. */
export function readRelayLimits(given: readonly string[], { env }: Settings): RelayLimits {
  const settings = { flags: typed(given), env };
  // What nobody said follows what somebody did, where one limit bounds another.
  const said = relayLimitFlags.filter(({ flag, env: name }) => settings.flags[flag] !== undefined || env[name]);
  return relayLimitsWith(Object.fromEntries(said.map((limit) => [limit.name, readLimit(limit, settings)])));
}
