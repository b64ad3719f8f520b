import { toBase64url, utf8 } from '@caponier/crypto';
import { type ChainKind, type Kind, type Payload, type Signer, sign, type Verified } from '@caponier/protocol';
import type { LaterKind, Members, OwnerView } from '@caponier/verify';

/** Statements as an attacker makes them: any header, any payload, any place, signed by any key in hand. */

const part = (value: unknown) => toBase64url(utf8(JSON.stringify(value)));

/** A compact JWS of whatever header and payload. */
export async function compact(header: object, payload: object, signer: Pick<Signer, 'sign'>): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`;
}

export const headerOf = (kind: Kind, kid: string) => ({ alg: 'Ed25519', typ: `stmt1.${kind}+jws`, kid });

interface Spot {
  readonly seq: number;
  readonly prev: string;
}

/** A statement at any place of an owner's chain. Where it says something sensible after `view`, its view root is right. */
export function placed<K extends LaterKind>(
  view: OwnerView,
  { seq, prev }: Spot,
  kind: K,
  members: Members<K>,
  signer: Signer,
  seconds: number,
): Promise<string> {
  const place = { owner: view.id, seq, prev, iat: seconds };
  return sign(signer, kind, { ...place, ...members, view: rootAfter(view, kind, members) } as unknown as Payload<K>);
}

function rootAfter<K extends LaterKind>(view: OwnerView, kind: K, members: Members<K>): string {
  try {
    return view.nextView(kind, members);
  } catch {
    return view.head;
  }
}

/** A further signature under a statement, with what differs. */
export function cosignOf(
  signer: Signer,
  owner: string,
  of: string,
  seconds: number,
  change: Partial<Payload<'cosign'>> = {},
): Promise<string> {
  const nonce = toBase64url(new Uint8Array(16));
  return sign(signer, 'cosign', { aud: owner, of, iat: seconds, exp: seconds + 3600, nonce, ...change });
}

/** The places before which a statement could be slipped in: those of statements that a relay does not see. */
export function hiddenSpots(signed: readonly { readonly statement: Verified<ChainKind> }[], isHidden: HiddenTest) {
  return signed.flatMap(({ statement: { kind, payload } }) =>
    isHidden(kind, payload as Payload<ChainKind>) ? [{ seq: payload.seq, prev: (payload as Spot).prev }] : [],
  );
}
type HiddenTest = (kind: ChainKind, payload: Payload<ChainKind>) => boolean;
