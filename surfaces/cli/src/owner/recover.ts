import { phraseFromEntropy, Secret } from '@caponier/crypto';
import type { LocalResults } from '@caponier/daemon/client';
import { systemClock, systemRandom } from '@caponier/host/home';
import { fail, seedSigner } from '@caponier/protocol';
import { type Draft, signNeed } from '@caponier/sdk';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { extendChain, readRecovery } from '../home/hand.ts';
import { adoptRoot, prepareRoot } from '../home/root-key.ts';
import type { Output } from '../terminal/output.ts';

/** The roots after a rotation. */
type Next = Pick<LocalResults['view']['roots'], 'keys' | 'k' | 'recovery' | 'quorum'>;

const recoveryBytes = 32;
const wordsInALine = 6;

export async function runRecover({ options, output }: Run): Promise<void> {
  if (options.new && options.phraseStdin) throw fail('cli.usage', '--new and --phrase-stdin exclude each other');
  return options.new ? makeRecovery(output) : useRecovery(output);
}

const rotate = ({ keys, k, recovery, quorum }: Next): Draft => ({
  kind: 'rotate',
  members: { keys: [...keys], k, recovery, quorum: { keys: [...quorum.keys], k: quorum.k } },
});

/** The first recovery key: the one rotation that the everyday root may sign. */
async function makeRecovery(output: Output): Promise<void> {
  const here = hereDaemon();
  const { roots } = await here.client.call('view', {});
  if (roots.recovery !== null) throw fail('cli.has_recovery');
  const seed = Secret.from(systemRandom(recoveryBytes));
  const phrase = phraseFromEntropy(seed);
  const recovery = seedSigner(seed).did;
  seed.wipe();
  await extendChain(here, [rotate({ ...roots, recovery })]);
  output.document({ phrase });
  output.line('Write these 24 words down, in this order, and keep them away from this machine.');
  output.line('They are shown once. Whoever has them is the owner.');
  output.line();
  const words = phrase.split(' ').map((word, i) => `${String(i + 1).padStart(2)} ${word.padEnd(9)}`);
  for (let at = 0; at < words.length; at += wordsInALine) {
    output.line(
      `  ${words
        .slice(at, at + wordsInALine)
        .join('')
        .trimEnd()}`,
    );
  }
}

/** A new root, named by the recovery key. It is on disk before the chain names it, so that it cannot be lost. */
async function useRecovery(output: Output): Promise<void> {
  const here = hereDaemon();
  const { home, client } = here;
  const seed = await readRecovery();
  try {
    const signer = seedSigner(seed);
    const { roots } = await client.call('view', {});
    if (roots.recovery !== signer.did) throw fail('cli.wrong_phrase');
    const root = prepareRoot(home, systemRandom);
    const keys = [seedSigner(root).did];
    root.wipe();
    await extendChain(here, [rotate({ ...roots, keys, k: 1 })], (need) =>
      signNeed(need, { signer, random: systemRandom, clock: systemClock }),
    );
    adoptRoot(home);
    output.document({ root: keys[0] });
    output.line('There is a new owner key on this machine; the old one signs nothing any more.');
    output.line('Next: caponier device revoke <the lost one>');
  } finally {
    seed.wipe();
  }
}
