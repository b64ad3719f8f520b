import { fromBase64url, toBase64url } from '@caponier/crypto';
import * as z from 'zod/mini';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';

/** What only the caller has of a use: its own proof, and the parameters. A capsule shows them. */
export interface KeptUse {
  readonly use: string;
  readonly outcome: string;
  readonly body: Uint8Array | null;
}

/** Uses that are kept; above it the oldest go. */
const maxKeptUses = 1_000;

const prefix = 'use/';
const form = z.strictObject({
  at: z.int(),
  use: z.string(),
  outcome: z.string(),
  body: z.nullable(z.string()),
});

export async function keepUse(store: KeyValue, request: string, kept: KeptUse, at: number): Promise<void> {
  const { use, outcome, body } = kept;
  await store.put([[`${prefix}${request}`, jsonBytes({ at, use, outcome, body: body && toBase64url(body) })]]);
  const all = await store.list(prefix);
  if (all.length <= maxKeptUses) return;
  const aged = all.map(([key, bytes]) => ({ key, at: openJson(bytes, form, 'store.damaged').at }));
  aged.sort((a, b) => a.at - b.at);
  await store.delete(...aged.slice(0, all.length - maxKeptUses).map(({ key }) => key));
}

export async function keptUse(store: KeyValue, request: string): Promise<KeptUse | null> {
  const bytes = await store.get(`${prefix}${request}`);
  if (!bytes) return null;
  const { use, outcome, body } = openJson(bytes, form, 'store.damaged');
  return { use, outcome, body: body === null ? null : fromBase64url(body) };
}
