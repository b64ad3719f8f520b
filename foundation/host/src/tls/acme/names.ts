import { fail } from '@caponier/protocol';

/** Names in one certificate. */
const MAX_NAMES = 16;

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const namePattern = new RegExp(`^(?=.{4,253}$)${label}(?:\\.${label})+$`);

/**
 * Exact host names, separated by commas. Only these are ever ordered: what a client asks for by SNI plays no part, or
 * strangers would spend our orders. Throws `host.bad_config` for wildcards, addresses and what is no host name.
 */
export function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (names.length > MAX_NAMES) throw fail('host.bad_config', `--acme-names: more than ${MAX_NAMES}`);
  for (const name of names) {
    const ok = namePattern.test(name) && !/\.\d+$/.test(name);
    if (!ok)
      throw fail(
        'host.bad_config',
        `--acme-names: "${name.slice(0, 64)}" is not a host name such as relay.example.com`,
      );
  }
  return [...new Set(names)];
}
