import { toBase64url } from '@caponier/crypto';

/** An `events` log in memory: leaves in the order they came, each once. `cut` makes it unreachable. */
export interface TestSink {
  readonly leaves: readonly string[];
  cut: boolean;
  submit(leaves: readonly Uint8Array[]): Promise<readonly number[]>;
  prove(leaf: number): Promise<string>;
}

export function testSink(): TestSink {
  const leaves: string[] = [];
  return {
    leaves,
    cut: false,
    async submit(hashes) {
      if (this.cut) throw new Error('the log cannot be reached');
      return hashes.map((hash) => {
        const leaf = toBase64url(hash);
        if (!leaves.includes(leaf)) leaves.push(leaf);
        return leaves.indexOf(leaf);
      });
    },
    async prove(leaf) {
      if (this.cut) throw new Error('the log cannot be reached');
      return `proof of ${leaf}\n`;
    },
  };
}
