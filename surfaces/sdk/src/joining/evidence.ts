import { type ChainKind, fail, leafClassOf, limits, type Payload, registryWire } from '@caponier/protocol';
import { encodeOwnersLeaf, leafHash, logKey, verifyProofFile, witnessKey } from '@caponier/tlog';
import { type OwnerView, openChainStatement, replayChain } from '@caponier/verify';
import { findService, openServices, servicesOf } from '../directory/directory.ts';
import type { Service } from '../directory/types.ts';
import { call, callText } from '../platform/call.ts';
import type { Transport } from '../transport/types.ts';
import type { Evidence } from './messages.ts';

/** Gathers what shows an owner to a stranger: from the registry, whose word counts for nothing at the other end. */
export async function gatherEvidence(
  transport: Transport,
  owner: string,
  services: readonly Service[],
  statements: readonly string[],
): Promise<Evidence> {
  const registry = findService(services, 'registry');
  const chain: registryWire.ChainAnswer['chain'] = [];
  for (let from: number | null = 0; from !== null; ) {
    const path: string = `/owners/${owner}?from=${from}`;
    const answer: registryWire.ChainAnswer = await call(transport, registry, path, registryWire.ChainAnswer);
    chain.push(...answer.chain);
    from = answer.next;
  }
  const newest = chain.findLast((entry) => entry.statement !== undefined);
  if (!newest) throw fail('owner.unknown');
  return {
    chain: chain.map(({ id, statement, cosigns }) =>
      statement === undefined ? { id } : { id, statement, cosigns: cosigns ?? [] },
    ),
    proof: await callText(transport, registry, `/owners/proof?index=${newest.index}`),
    services: [...statements],
  };
}

export interface ShownOwner {
  readonly view: OwnerView;
  readonly services: readonly Service[];
}

/**
 * Holds what a stranger showed against its own signatures: the chain replays, its newest membership statement is in the log
 * that the chain itself names, under a head that its witnesses signed just now, and services are by its operators. `now` in
 * milliseconds. Throws `owner.*`, `log.*`, `statement.*`.
 */
export function openEvidence(evidence: Evidence, now: number): ShownOwner {
  const view = replayChain(evidence.chain, 'membership');
  const { trust } = view;
  if (!trust) throw fail('owner.unknown', 'no trust');
  const { checkpoint } = verifyProofFile(evidence.proof, leafHash(newestLeaf(view, evidence)), {
    log: logKey(registryWire.originOf(trust.log.origin, 'owners'), trust.log.key),
    witnesses: trust.witnesses.map((witness) => witnessKey(witness.name, witness.key)),
    k: trust.k,
  });
  const age = now / 1000 - (checkpoint.time ?? 0);
  if (age > limits.maxServiceLagSeconds || age < -limits.viewSkewSeconds) throw fail('owner.stale_view', 'shown head');
  return { view, services: servicesOf(view, openServices(evidence.services)) };
}

function newestLeaf(view: OwnerView, { chain }: Evidence): Uint8Array {
  const jws = chain.findLast((entry) => entry.statement !== undefined)?.statement;
  if (jws === undefined) throw fail('owner.bad_sequence', 'no statement');
  const { id, kind, payload } = openChainStatement(jws);
  return encodeOwnersLeaf({
    owner: view.id,
    seq: payload.seq,
    class: leafClassOf(kind, payload as Payload<ChainKind>),
    id,
  });
}
