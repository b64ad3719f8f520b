import { type ChainKind, chainKinds, fail, registryWire, type Verified, verifyStatement } from '@caponier/protocol';
import { type LaterKind, OwnerView, type ViewMode } from './view.ts';

/** A chain as a wire carries it, turned into a view at one place. */

/** Most statements of a chain that is replayed in one go. */
export const maxChainStatements = 10_000;

/** One statement by `seq`; a private one that this reader may not see is named by id alone. */
export interface ChainEntry {
  readonly id?: string;
  readonly statement?: string | undefined;
  readonly cosigns?: readonly string[] | undefined;
}

/** Throws what `verifyStatement`, `OwnerView.start` and `OwnerView.apply` throw; `owner.bad_sequence` for an empty or longer chain. */
export function replayChain(entries: readonly ChainEntry[], mode: ViewMode = 'full'): OwnerView {
  const [first, ...rest] = entries;
  if (!first?.statement || entries.length > maxChainStatements) throw fail('owner.bad_sequence', 'length of a chain');
  let view = OwnerView.start(verifyStatement(first.statement, 'owner'), openCosigns(first.cosigns), mode);
  for (const [i, entry] of rest.entries()) {
    if (entry.statement === undefined) {
      if (entry.id === undefined) throw fail('owner.bad_sequence', 'neither statement nor id');
      view = view.skipPrivate({ seq: i + 1, id: entry.id });
    } else {
      view = view.apply(openLater(entry.statement), openCosigns(entry.cosigns));
    }
  }
  return view;
}

const [, ...laterKinds] = chainKinds as readonly ['owner', LaterKind, ...LaterKind[]];

export function openChainStatement(jws: string): Verified<ChainKind> {
  return verifyStatement(jws, ...(chainKinds as readonly [ChainKind, ...ChainKind[]])) as Verified<ChainKind>;
}

function openLater(jws: string): Verified<LaterKind> {
  return verifyStatement(jws, ...(laterKinds as [LaterKind, ...LaterKind[]])) as Verified<LaterKind>;
}

/** Those that verify. The others are dropped, not refused: nobody signs which cosigns travel beside a statement. */
export function openCosigns(cosigns: readonly string[] = []): Verified<'cosign'>[] {
  return cosigns.slice(0, registryWire.registryMaxCosigns).flatMap((jws) => {
    try {
      return [verifyStatement(jws, 'cosign')];
    } catch {
      return [];
    }
  });
}
