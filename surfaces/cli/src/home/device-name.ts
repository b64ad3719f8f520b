import { hostname } from 'node:os';
import { basename } from 'node:path';
import { homePath } from '@caponier/host/home';
import { fail } from '@caponier/protocol';

const form = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** A name as devices and contacts have them. Throws `cli.usage`. */
export function nameOf(given: string, flag: string): string {
  if (!form.test(given)) throw fail('cli.usage', `${flag}: up to 32 of a-z, 0-9, ".", "_" and "-"`);
  return given;
}

/** What this device is called unless said otherwise: a home in a place of its own is named after its folder. */
export function defaultDeviceName(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.CAPONIER_HOME ? basename(homePath(env)) : (hostname().split('.')[0] ?? '');
  const made = given
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 32);
  return form.test(made) ? made : 'device';
}
