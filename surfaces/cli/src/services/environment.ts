import { listenerLimits, refuseUnknownEnvironment } from '@caponier/host';
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
 * Refuses a variable of ours that no service knows (`refuseUnknownEnvironment`). `limits`: variables of its own; those of the
 * relay are judged by the relay alone, since all services of a home share one environment. Throws `host.bad_config`.
 */
export function refuseUnknownVariables(env: NodeJS.ProcessEnv, limits: readonly string[] | null): void {
  const known = [...others, ...listenerLimits.map((limit) => limit.env), ...serviceFlags.map(variableOf)];
  const judged = Object.entries(env).filter(([name]) => limits !== null || !name.startsWith('CAPONIER_RELAY_'));
  refuseUnknownEnvironment(Object.fromEntries(judged), [...known, ...(limits ?? [])]);
}
