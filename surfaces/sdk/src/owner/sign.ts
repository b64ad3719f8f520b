import { type Random, toBase64url } from '@caponier/crypto';
import { fail, type Signer, sign } from '@caponier/protocol';
import { type OwnerView, replayChain, signNext, type WireStatement } from '@caponier/verify';
import type { Draft, SignedNeed, SigningNeed, TicketDraft } from './types.ts';

/** The owner's hand: a key that is loaded for these signatures and no longer. */
export interface Hand {
  readonly signer: Signer;
  /** Further signatures under each statement: other roots or, for a `thaw`, an approver. */
  readonly cosigners?: readonly Signer[];
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Signs drafts one after another; nothing is signed that readers of the chain would refuse. */
export async function signDrafts(view: OwnerView, drafts: readonly Draft[], hand: Hand): Promise<WireStatement[]> {
  const signed: WireStatement[] = [];
  let at = view;
  for (const { kind, members } of drafts) {
    const next = await signNext(at, kind, members, hand);
    at = next.view;
    signed.push({ statement: next.statement.jws, cosigns: next.cosigns.map((cosign) => cosign.jws) });
  }
  return signed;
}

export async function signTicket({ aud, uses, lives }: TicketDraft, hand: Hand): Promise<string> {
  const iat = Math.floor(hand.clock() / 1000);
  const nonce = toBase64url(hand.random(16));
  return sign(hand.signer, 'ticket', { aud, uses, iat, exp: iat + lives, nonce });
}

/**
 * Signs what a device asks for. The chain is replayed here, so that whoever asked cannot have a signature for another
 * place or owner than it says. Throws `owner.conflict` and what `OwnerView.apply` throws.
 */
export async function signNeed(need: SigningNeed, hand: Hand): Promise<SignedNeed> {
  const view = replayChain(need.chain);
  if (view.id !== need.owner) throw fail('owner.conflict', 'chain of another owner');
  const statements = await signDrafts(view, need.drafts, hand);
  return { statements, tickets: await Promise.all(need.tickets.map((draft) => signTicket(draft, hand))) };
}
