import { deviceSeeds, type LocalClient } from '@caponier/daemon/client';
import { type Home, systemClock, systemRandom } from '@caponier/host';
import { errorOfProblem, type Signer, seedSigner } from '@caponier/protocol';
import { type Draft, type PublishReport, type SignedNeed, type SigningNeed, signNeed } from '@caponier/sdk';
import { withRoot } from './root-key.ts';

/** Signs what the daemon asks for, with the owner's root loaded for just that. */
export function signWithRoot(home: Home, need: SigningNeed, cosigners: readonly Signer[] = []): Promise<SignedNeed> {
  return withRoot(home, (signer) => signNeed(need, { signer, cosigners, random: systemRandom, clock: systemClock }));
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
