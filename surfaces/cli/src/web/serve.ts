import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Log, readListenerLimits, serve, systemClock } from '@caponier/host';
import { assetsFolder, createWeb } from '@caponier/web';
import type { Here } from '../home/context.ts';
import { statusOf } from '../status/status.ts';
import { newPageToken, removePageAddress, writePageAddress } from './address.ts';

export interface PageServer {
  /** With its token in the fragment. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * The page of this device, on loopback alone. Undefined where the page was not built, as in a fresh checkout before
 * `npm run build`.
 */
export async function servePage(
  here: Here,
  { log, allowRoot }: { readonly log: Log; readonly allowRoot: boolean },
): Promise<PageServer | undefined> {
  const folder = fileURLToPath(assetsFolder);
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  const assetNames = new Set(
    readdirSync(folder, { recursive: true }).map((name) => String(name).replaceAll('\\', '/')),
  );
  const token = newPageToken();
  const hosts = new Set<string>();
  const app = createWeb({
    source: {
      status: () => statusOf(here),
      asks: () => here.client.call('asks', {}),
    },
    asset: (name) => readFile(join(folder, name)).catch(() => null),
    assetNames,
    token,
    hosts,
  });
  const listener = await serve(app, {
    host: '127.0.0.1',
    port: 0,
    limits: readListenerLimits({ env: process.env }),
    log,
    clock: systemClock,
    allowRoot,
  });
  // `localhost`: a secure context in every browser, and a name that passkeys take, as 127.0.0.1 is not.
  hosts.add(`localhost:${listener.port}`).add(`127.0.0.1:${listener.port}`);
  const address = `http://localhost:${listener.port}/#token=${token}`;
  writePageAddress(here.home, address);
  return {
    address,
    close: async () => {
      removePageAddress(here.home);
      await listener.close();
    },
  };
}
