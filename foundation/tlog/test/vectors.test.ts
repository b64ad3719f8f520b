import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyConsistency, verifyInclusion } from '../src/index.ts';

/** transparency-dev/merkle `testdata`: read where they are present, and said so where they are not. */
const folder = join(import.meta.dirname, '../../../../shared/vectors/merkle');
const bytes = (text: string) => new Uint8Array(Buffer.from(text ?? '', 'base64'));

function files(kind: string): { name: string; vector: Record<string, never> }[] {
  const root = join(folder, kind);
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, vector: JSON.parse(readFileSync(join(root, name), 'utf8')) }));
}

describe('public Merkle vectors', () => {
  it.each(['inclusion', 'consistency'])('%s', (kind) => {
    const all = files(kind);
    let refused = 0;
    for (const { name, vector: v } of all) {
      const proof = ((v.proof ?? []) as string[]).map(bytes);
      const check = () =>
        kind === 'inclusion'
          ? verifyInclusion(bytes(v.leafHash!), v.leafIdx!, v.treeSize!, proof, bytes(v.root!))
          : verifyConsistency(v.size1!, v.size2!, proof, bytes(v.root1!), bytes(v.root2!));
      if (v.wantErr) {
        refused += 1;
        expect(check, name).toThrow('log.bad_proof');
      } else {
        expect(check, name).not.toThrow();
      }
    }
    const where = all.length > 0 ? '' : ' (the vectors are not present)';
    console.log(`merkle ${kind}: ${all.length} vectors ran, ${refused} of them refused${where}`);
  });
});
