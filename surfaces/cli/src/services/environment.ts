import { listenerLimits } from '@caponier/host';
import { fail } from '@caponier/protocol';
import { serviceFlags } from './flags.ts';
import { variableOf } from './settings.ts';

/** Variables that are no flag of a service: of the command line, of agents that `run` starts, of test runs. */
const others = [
  'CAPONIER_HOME',
  'CAPONIER_DEBUG',
  'CAPONIER_AGENT',
  'CAPONIER_DEVICE',
  'CAPONIER_RUN_SOCKET',
  'CAPONIER_BINARY',
  'CAPONIER_BENCH_NODE',
  'CAPONIER_REQUIRE_ENGINES',
];

/**
 * Threat: a misspelt variable is a limit or a safeguard that somebody believes in and that is not there. Measure: a service
 * does not start with a variable of ours that it does not know. `limits`: variables of its own; those of the relay are
 * judged by the relay alone, since all services of a home share one environment. Throws `host.bad_config`.
 */
export function refuseUnknownVariables(env: NodeJS.ProcessEnv, limits: readonly string[] | null): void {
  const known = new Set([...others, ...listenerLimits.map((limit) => limit.env), ...serviceFlags.map(variableOf)]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith('CAPONIER_') || known.has(name)) continue;
    const ofRelay = name.startsWith('CAPONIER_RELAY_');
    if (ofRelay && (limits === null || limits.includes(name))) continue;
    throw fail('host.bad_config', `${name} is no variable that Caponier knows`);
  }
}
