import { CaponierError } from '@caponier/crypto';
import { type Limit, listenerLimits, readListenerLimits } from '@caponier/host';
import type { Run } from '../command.ts';
import { readRelayLimits, relayLimitFlags } from '../services/relay-limits.ts';
import { mayAnswer, readNumbers } from './numbers.ts';

type Values = ReadonlyMap<string, number>;

/** Values by name, of the relay and of its listener, and whether a relay runs with them. */
interface Limits {
  readonly inForce: boolean;
  readonly relay: Values;
  readonly listener: Values;
}

/** Those of the relay that runs: where it does not, or somebody wants to know what `--limit` would do, those of this terminal. */
async function limitsOf(typed: readonly string[], port: unknown): Promise<Limits> {
  if (typed.length === 0 && (port !== undefined || mayAnswer())) {
    try {
      const numbers = await readNumbers(port);
      const rows = (name: string) => numbers.rows(`caponier_${name}_limit`, 'limit');
      return { inForce: true, relay: rows('relay'), listener: rows('listener') };
    } catch (error) {
      // The socket of one that was killed. A port that somebody names is another matter.
      const gone = error instanceof CaponierError && error.code === 'cli.not_ready';
      if (port !== undefined || !gone) throw error;
    }
  }
  const { env } = process;
  const map = (values: Readonly<Record<string, number>>) => new Map(Object.entries(values));
  return {
    inForce: false,
    relay: map(readRelayLimits(typed, { env })),
    listener: map(readListenerLimits({ env })),
  };
}

/** Every limit with its sentence; those that are not the default stand out. */
export async function showRelayLimits({ options, output }: Run): Promise<void> {
  const { inForce, relay, listener } = await limitsOf(
    (options.limit as string[] | undefined) ?? [],
    options.metricsPort,
  );
  const rowsOf = (of: 'relay' | 'listener', limits: readonly Limit[], values: Values) =>
    limits.map(({ name, env, doc, default: normal, min, max }) => {
      return { name, of, value: values.get(name) ?? null, default: normal, min, max, variable: env, doc };
    });
  const rows = [...rowsOf('relay', relayLimitFlags, relay), ...rowsOf('listener', listenerLimits, listener)];
  output.document({ inForce, limits: rows });
  output.line(
    inForce
      ? 'In force in the relay that runs.'
      : 'What the variables of this terminal and --limit give: no relay that runs was asked.',
  );
  for (const { name, of, value, default: normal, variable, doc } of rows) {
    const setting = `${name}=${value ?? 'unknown'}`;
    const changed = value !== normal;
    const shown = changed ? `${output.style('bold', setting)} (default ${normal})` : setting;
    output.line(`${shown}  ${variable}${of === 'listener' ? '  (listener)' : ''}`);
    output.note(doc);
  }
}
