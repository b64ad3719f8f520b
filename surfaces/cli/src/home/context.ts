import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, type LocalClient, localClient, readIdentity, socketFile } from '@caponier/daemon/client';
import { type Home, homePath, openHome } from '@caponier/host/home';
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

/** The daemon of this home; a call throws `cli.no_daemon` where none runs. */
export function localDaemon(home: Home): LocalClient {
  return localClient(join(home.path, 'run', socketFile));
}

/** Home, identity and daemon of this device. */
export interface Here {
  readonly home: Home;
  readonly identity: Identity;
  readonly client: LocalClient;
}

/** Throws `cli.no_owner`; a call throws `cli.no_daemon` where none runs. */
export function hereDaemon(): Here {
  const { home, identity } = hereIdentity();
  return { home, identity, client: localDaemon(home) };
}
