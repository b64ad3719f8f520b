import { fileURLToPath } from 'node:url';
import { straceAcks, straceWorks, whereEngine } from '@caponier/testkit';
import { expect, it } from 'vitest';

const child = fileURLToPath(new URL('./durability-child.ts', import.meta.url));
const itWithStrace = whereEngine(it, 'strace', straceWorks());

itWithStrace(
  'an fsync lies between the write of a decision and its permit',
  async () => {
    const proof = await straceAcks({
      command: [process.execPath, child, '12'],
      files: /gate\.db-wal$/,
      marker: (n) => `permit-number-${n}-end`,
    });
    expect(proof.unproven).toEqual([]);
    expect(proof.acks).toEqual(Array.from({ length: 12 }, (_, n) => n));
  },
  60_000,
);
