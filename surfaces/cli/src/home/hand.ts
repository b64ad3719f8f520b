import { entropyFromPhrase, type Secret } from '@caponier/crypto';
import { deviceSeeds, type LocalClient } from '@caponier/daemon/client';
import { type Home, systemClock, systemRandom } from '@caponier/host/home';
import { errorOfProblem, fail, type Signer, seedSigner } from '@caponier/protocol';
import { type Draft, type PublishReport, type SignedNeed, type SigningNeed, signNeed } from '@caponier/sdk';
import { readSecret } from '../terminal/input.ts';
import { withRoot } from './root-key.ts';

/** Bytes that 24 words stand for. */
const recoveryBytes = 32;

/** Signs what the daemon asks for, with the owner's root loaded for just that. */
export function signWithRoot(home: Home, need: SigningNeed, cosigners: readonly Signer[] = []): Promise<SignedNeed> {
  return withRoot(home, (signer) => signNeed(need, { signer, cosigners, random: systemRandom, clock: systemClock }));
}

/** Signs with the recovery key of the 24 words on standard input. Throws `crypto.bad_phrase`. */
export async function signWithPhrase(need: SigningNeed): Promise<SignedNeed> {
  const seed = await readRecovery();
  try {
    return await signNeed(need, { signer: seedSigner(seed), random: systemRandom, clock: systemClock });
  } finally {
    seed.wipe();
  }
}

/** The seed of the recovery key, from 24 words typed or piped. Throws `crypto.bad_phrase`. */
export async function readRecovery(): Promise<Secret> {
  const seed = entropyFromPhrase(await readSecret('The 24 words'));
  if (seed.length !== recoveryBytes) throw fail('crypto.bad_phrase');
  return seed;
}

/** The key of this device, for what a person signs with it beside the root. */
export function deviceSigner(home: Home): Signer {
  return seedSigner(deviceSeeds(home).seed);
}

/** Drafts to the chain: asked of the daemon, signed here, published there. Throws why they were not sequenced. */
export async function extendChain(
  { home, client }: { readonly home: Home; readonly client: LocalClient },
  drafts: readonly Draft[],
  sign: (need: SigningNeed) => Promise<SignedNeed> = (need) => signWithRoot(home, need),
): Promise<PublishReport> {
  const need = await client.call('need', { drafts: [...drafts] });
  const { statements } = await sign(need);
  const report = await client.call('publish', { statements: [...statements].map(mutable) });
  if (!report.sequenced) throw errorOfProblem({ code: report.code });
  return report;
}

const mutable = ({ statement, cosigns }: { statement: string; cosigns: readonly string[] }) => ({
  statement,
  cosigns: [...cosigns],
});
