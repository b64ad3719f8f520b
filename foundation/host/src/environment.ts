import { fail } from '@caponier/protocol';

const PREFIX = 'CAPONIER_';

/** Changes (letters put in, taken out or replaced) up to which a name is taken for a misspelling of another. */
const MAX_CHANGES = 6;

/** Levenshtein's distance. */
function changes(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/**
 * Threat: a misspelt variable is a limit or a safeguard that somebody believes in and that is not there. Measure: a service
 * does not start with a variable of ours that nobody knows. Throws `host.bad_config` with the name, and the nearest of those
 * known where it is near; never with a value.
 */
export function refuseUnknownEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(env).find((name) => name.startsWith(PREFIX) && !known.includes(name));
  if (unknown === undefined) return;
  const name = unknown.slice(0, 64).replace(/[^\w]/g, '?');
  const [nearest] = known
    .map((other) => ({ other, distance: changes(name, other) }))
    .filter(({ other, distance }) => distance <= Math.min(MAX_CHANGES, (other.length - PREFIX.length) / 2))
    .sort((a, b) => a.distance - b.distance);
  const meant = nearest ? `: is ${nearest.other} meant?` : '';
  throw fail('host.bad_config', `${name} is no variable that Caponier knows${meant}`);
}
