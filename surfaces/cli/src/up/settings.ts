/**
 * Refuses what services would refuse in the environment that they share: each would end at once, be started again and say so
 * in the log only, and whoever looks after us would take us for running. Throws `host.bad_config`.
 */
export async function refuseBadSettings(env: NodeJS.ProcessEnv): Promise<void> {
  const ours = Object.keys(env).filter((name) => name.startsWith('CAPONIER_') && name !== 'CAPONIER_HOME');
  // Mostly there are none, and what would judge them takes a while to load.
  if (ours.length === 0) return;
  const [{ readListenerLimits }, { readEnding }, { refuseUnknownVariables }] = await Promise.all([
    import('@caponier/host'),
    import('../services/ending.ts'),
    import('../services/environment.ts'),
  ]);
  readEnding({ env });
  readListenerLimits({ env });
  if (!ours.some((name) => name.startsWith('CAPONIER_RELAY_'))) return refuseUnknownVariables(env, null);
  const { readRelayLimits, relayLimitFlags } = await import('../services/relay-limits.ts');
  refuseUnknownVariables(
    env,
    relayLimitFlags.map((limit) => limit.env),
  );
  readRelayLimits([], { env });
}
