import { readListenerLimits } from '@caponier/host';
import { readEnding } from '../services/ending.ts';
import { refuseUnknownVariables } from '../services/environment.ts';

/**
 * Refuses what services would refuse in the environment that they share: each would end at once, be started again and say so
 * in the log only, and whoever looks after us would take us for running. Throws `host.bad_config`.
 */
export async function refuseBadSettings(env: NodeJS.ProcessEnv): Promise<void> {
  readEnding({ env });
  readListenerLimits({ env });
  if (!Object.keys(env).some((name) => name.startsWith('CAPONIER_RELAY_'))) return refuseUnknownVariables(env, null);
  const { readRelayLimits, relayLimitFlags } = await import('../services/relay-limits.ts');
  refuseUnknownVariables(
    env,
    relayLimitFlags.map((limit) => limit.env),
  );
  readRelayLimits([], { env });
}
