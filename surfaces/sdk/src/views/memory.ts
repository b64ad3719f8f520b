import { fromBase64url, toBase64url } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import type { FollowMemory, StandingRemoval, StoredHead, StoredLeaf } from '@caponier/verify';
import * as z from 'zod/mini';
import { jsonBytes, openJson, sortable } from '../store/json.ts';
import type { KeyValue, KeyValueChange } from '../store/key-value.ts';

/** What a follower saw of a log, kept in a key-value store: an entry a leaf, one for the head, one a standing removal. */

const headForm = z.strictObject({ size: z.int(), root: z.string(), note: z.string() });
const leafForm = z.strictObject({
  leaf: z.string(),
  statement: z.nullable(z.string()),
  cosigns: z.array(z.string()),
});
const removalForm = z.strictObject({ id: z.string(), statement: z.string(), cosigns: z.array(z.string()) });

const leafValue = ({ leaf, statement, cosigns }: StoredLeaf) =>
  jsonBytes({ leaf: toBase64url(leaf), statement, cosigns });

function openLeaf(bytes: Uint8Array): StoredLeaf {
  const { leaf, statement, cosigns } = openJson(bytes, leafForm, 'store.damaged');
  return { leaf: fromBase64url(leaf), statement, cosigns };
}

/** `prefix` keeps two followers of one log apart: one that reads everything, one that reads membership. */
export function followMemory(store: KeyValue, prefix: string): FollowMemory {
  const countKey = (log: string) => `${prefix}/count/${log}`;
  const headKey = (log: string) => `${prefix}/head/${log}`;
  const leavesOf = (log: string) => `${prefix}/leaf/${log}/`;
  const leafKey = (log: string, index: number) => `${leavesOf(log)}${sortable(index)}`;
  const removalsOf = (log: string) => `${prefix}/removal/${log}/`;

  async function head(log: string): Promise<StoredHead | undefined> {
    const bytes = await store.get(headKey(log));
    if (!bytes) return undefined;
    const { size, root, note } = openJson(bytes, headForm, 'store.damaged');
    return { size, root: fromBase64url(root), note };
  }

  async function countOf(log: string): Promise<number> {
    const bytes = await store.get(countKey(log));
    return bytes ? openJson(bytes, z.int(), 'store.damaged') : 0;
  }

  /** Whoever asks: what was seen is not unseen. */
  async function checkHead(log: string, next: StoredHead, count: number): Promise<void> {
    const known = await head(log);
    if (known && next.size < known.size) throw fail('log.rolled_back', `${next.size} after ${known.size}`);
    const same = known?.root.length === next.root.length && known.root.every((byte, i) => byte === next.root[i]);
    if (known && next.size === known.size && !same) throw fail('log.forked', `${next.size}`);
    if (next.size > count) throw fail('log.bad_leaf', 'the head covers leaves that are missing');
  }

  return {
    head,
    async advance({ log, from, leaves, head: next }) {
      const count = await countOf(log);
      if (leaves.length > 0 && from !== count) throw fail('log.bad_leaf', `leaves start at ${from}, not ${count}`);
      const after = count + leaves.length;
      const changes: KeyValueChange[] = leaves.map((leaf, i) => [leafKey(log, from + i), leafValue(leaf)]);
      if (leaves.length > 0) changes.push([countKey(log), jsonBytes(after)]);
      if (next) {
        await checkHead(log, next, after);
        changes.push([headKey(log), jsonBytes({ size: next.size, root: toBase64url(next.root), note: next.note })]);
      }
      await store.put(changes);
    },
    async leaves({ log, from, limit }) {
      const after = from === 0 ? '' : leafKey(log, from - 1);
      const entries = await store.list(leavesOf(log), { after, limit });
      return entries.map(([, bytes]) => openLeaf(bytes));
    },
    async fill({ log, index, statement, cosigns }) {
      const key = leafKey(log, index);
      const bytes = await store.get(key);
      if (!bytes) throw fail('log.bad_leaf', 'no such leaf');
      const stored = openLeaf(bytes);
      if (stored.statement === null) await store.put([[key, leafValue({ ...stored, statement, cosigns })]]);
    },
    async remove({ log, removal }) {
      const key = `${removalsOf(log)}${removal.id}`;
      if (!(await store.get(key))) await store.put([[key, jsonBytes(removal)]]);
    },
    settle: ({ log, id }) => store.delete(`${removalsOf(log)}${id}`),
    async removals(log) {
      const entries = await store.list(removalsOf(log));
      return entries.map(([, bytes]): StandingRemoval => openJson(bytes, removalForm, 'store.damaged'));
    },
  };
}
