import type { Run } from '../command.ts';
import { readRelayLimits, relayLimitFlags } from '../services/relay-limits.ts';

/** Every limit with its sentence; those that are not the default stand out. */
export async function showRelayLimits({ options, output }: Run): Promise<void> {
  const values = readRelayLimits((options.limit as string[] | undefined) ?? [], { env: process.env });
  const rows = relayLimitFlags.map(({ name, env, doc, default: normal, min, max }) => {
    const value = values[name as keyof typeof values];
    return { name, value, default: normal, min, max, variable: env, doc };
  });
  output.document({ limits: rows });
  for (const { name, value, default: normal, variable, doc } of rows) {
    const changed = value !== normal;
    const setting = `${name}=${value}`;
    output.line(
      `${changed ? output.style('bold', setting) : setting}${changed ? ` (default ${normal})` : ''}  ${variable}`,
    );
    output.note(doc);
  }
}
