import { CaponierError } from '@caponier/crypto';
import { fail, type Verified, verifyStatement } from '@caponier/protocol';
import { demandAuthority } from '../owner/authority.ts';
import type { WireStatement } from '../owner/chain.ts';
import { openChainStatement } from '../owner/replay.ts';
import { type State, startState } from '../owner/state.ts';
import { transition } from '../owner/transition.ts';
import { OwnerView } from '../owner/view.ts';
import { decodeTrustFile, encodeTrustFile, type TrustFile } from './form.ts';

/** The owner's keys and services over time: what a stranger holds beforehand, from elsewhere than the capsule. */
export interface TrustHistory {
  /** The owner's id. */
  readonly owner: string;
  /** Up to when nothing is missing, seconds since the epoch. */
  readonly asOf: number;
  /** Roots and trust after the last of these statements whose place is not beyond `seq`. */
  at(seq: number): State;
}

/** Takes what a trust file needs out of a chain. `asOf` in seconds since the epoch. Throws `capsule.bad_trust_file`. */
export function buildTrustFile(chain: readonly WireStatement[], asOf: number): Uint8Array {
  const statements: TrustFile['statements'] = chain
    .filter(({ statement }) => ['owner', 'trust', 'rotate'].includes(openChainStatement(statement).kind))
    .map(({ statement, cosigns }) => ({ statement, cosigns: [...cosigns] }));
  const bytes = encodeTrustFile({ trust: 1, asOf, statements });
  openTrustFile(bytes);
  return bytes;
}

/** Throws `capsule.bad_trust_file`. */
export function openTrustFile(bytes: Uint8Array): TrustHistory {
  const { asOf, statements } = decodeTrustFile(bytes);
  try {
    const history = replay(statements);
    const { owner } = history[0]!;
    return {
      owner,
      asOf,
      at: (seq) => history.findLast((step) => step.seq <= seq)!.state,
    };
  } catch (cause) {
    if (!(cause instanceof CaponierError)) throw cause;
    throw fail('capsule.bad_trust_file', cause.code, cause);
  }
}

interface Step {
  readonly owner: string;
  readonly seq: number;
  readonly state: State;
}

function replay([first, ...rest]: TrustFile['statements']): Step[] {
  if (!first) throw fail('capsule.bad_trust_file', 'empty');
  const start = verifyStatement(first.statement, 'owner');
  const { roots, id: owner } = OwnerView.start(start, openEach(first.cosigns));
  const history: Step[] = [{ owner, seq: 0, state: startState(roots) }];
  for (const { statement, cosigns } of rest) {
    const { seq: last, state } = history.at(-1)!;
    const next = verifyStatement(statement, 'trust', 'rotate');
    const { seq } = next.payload;
    if (next.payload.owner !== owner || seq <= last) throw fail('capsule.bad_trust_file', 'order');
    demandAuthority(state, owner, next, openEach(cosigns));
    const place = { id: next.id, seq };
    history.push({ owner, seq, state: transition(state, next.kind, next.payload, place, { recovery: false, by: [] }) });
  }
  return history;
}

/** Unlike a reader of the log, nobody here added cosigns that do not belong. */
export function openEach(cosigns: readonly string[]): Verified<'cosign'>[] {
  return cosigns.map((cosign) => verifyStatement(cosign, 'cosign'));
}
