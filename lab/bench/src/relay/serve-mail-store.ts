import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { relayTables } from '@caponier/relay';
import { openDatabase } from '@caponier/store';
import { serveParent } from './child.ts';
import { loadMail, type MailLoad } from './mail-load.ts';
import type * as operations from './mail-operations.ts';

/** The same rows in the same tables, written straight to the store: no sockets, no frames, no permission, no quota. */
export interface MailStoreOptions {
  readonly owners: number;
  readonly sendersPerOwner: number;
  readonly body: number;
}

let load: (message: MailLoad) => Promise<unknown>;

async function open({ owners, sendersPerOwner, body: length }: MailStoreOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const db = await openDatabase<typeof operations>({
    path: join(folder, 'mail.db'),
    migrations: [relayTables],
    operations: new URL('./mail-operations.ts', import.meta.url),
  });
  const key = (n: number, kind: number) => {
    const bytes = new Uint8Array(32).fill(kind);
    new DataView(bytes.buffer).setUint32(0, n);
    return bytes;
  };
  const senders = owners * sendersPerOwner;
  for (let n = 0; n < senders; n++) await db.run('putSlot', { device: key(n, 1), owner: `owner ${n % owners}` });
  const body = new Uint8Array(length).fill(7);
  const digest = new Uint8Array(32).fill(9);
  let count = 0;
  const send = (n: number) => {
    const id = key(count++, 3).slice(0, 16);
    return db.run('putMail', { recipient: key(n, 1), sender: key(n, 2), id, digest, body, now: Date.now() });
  };
  load = (message) => loadMail(send, senders, message);
  return true;
}

serveParent((message: MailStoreOptions | MailLoad) => ('milliseconds' in message ? load(message) : open(message)));
