import { fail, registryWire } from '@caponier/protocol';
import {
  encodeBundle,
  formatProofFile,
  hashLength,
  type NodeReader,
  parseTilePath,
  proveInclusion,
  tileWidthAt,
  type VerifiedCheckpoint,
} from '@caponier/tlog';
import { type Context, Hono } from 'hono';
import type { RegistryStore } from '../store.ts';
import { numberOf } from './body.ts';

export interface ReadableLog {
  head(): VerifiedCheckpoint;
  nodes(size: number): NodeReader;
}

type LogName = registryWire.LogName;

const octets = { 'content-type': 'application/octet-stream', 'cache-control': 'public, max-age=31536000, immutable' };
const text = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' };

/** The read API of C2SP tlog-tiles for both logs, and proof files. Everything here is public and under the newest head. */
export function logRoutes(store: RegistryStore, logs: Readonly<Record<LogName, ReadableLog>>): Hono {
  const app = new Hono();

  app.get('/:log/checkpoint', (c) => c.body(logs[nameOf(c)].head().note, 200, text));

  app.get('/:log/tile/*', async (c) => {
    const log = nameOf(c);
    const tile = parseTilePath(c.req.path.slice(c.req.path.indexOf('tile/')));
    const { size } = logs[log].head();
    const level = tile?.level === 'entries' ? 0 : tile?.level;
    if (!tile || level === undefined || tile.width > tileWidthAt(size, level, tile.index)) throw fail('host.not_found');
    return c.body(new Uint8Array(await bytesOf(log, tile.level, tile.index, tile.width)), 200, octets);
  });

  app.get('/:log/proof', async (c) => {
    const log = logs[nameOf(c)];
    const index = numberOf(c, 'index');
    const head = log.head();
    const proof = await proveInclusion(index, head.size, log.nodes(head.size));
    return c.body(formatProofFile({ index, proof, checkpoint: head.note }), 200, text);
  });

  /** A narrower tile is the beginning of the one that is stored. */
  async function bytesOf(log: LogName, level: number | 'entries', index: number, width: number): Promise<Uint8Array> {
    if (level === 'entries')
      return encodeBundle(await store.entries({ log, from: index * 256, to: index * 256 + width }));
    const hashes = await store.tile({ log, level, index });
    if (!hashes) throw fail('store.damaged', 'tile is missing');
    return hashes.slice(0, width * hashLength);
  }

  return app;
}

function nameOf(c: Context): LogName {
  const name = registryWire.logNames.find((log) => log === c.req.param('log'));
  if (!name) throw fail('host.not_found');
  return name;
}
