import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, type LocalClient, localClient, readIdentity, socketFile } from '@caponier/daemon/client';
import { type Home, homePath, openHome } from '@caponier/host';
import { fail } from '@caponier/protocol';

/** The home of this run, made where missing. */
export function hereHome(): Home {
  return openHome(homePath(process.env));
}

/** The home and whose it is. Throws `cli.no_owner`, and makes nothing where there is none. */
export function hereIdentity(): { readonly home: Home; readonly identity: Identity } {
  if (!existsSync(homePath(process.env))) throw fail('cli.no_owner');
  const home = hereHome();
  const identity = readIdentity(home);
  if (!identity) throw fail('cli.no_owner');
  return { home, identity };
}

export function socketPath(home: Home): string {
  return join(home.path, 'run', socketFile);
}

/** This device's daemon. Throws `cli.no_owner`; a call throws `cli.no_daemon` where none runs. */
export function hereDaemon(): { readonly home: Home; readonly identity: Identity; readonly client: LocalClient } {
  const { home, identity } = hereIdentity();
  return { home, identity, client: localClient(socketPath(home)) };
}
