import { crypto, fromBase64url, type Random, Secret, toBase64url, utf8 } from '@caponier/crypto';
import {
  assemblePasskeyApproval,
  type Did,
  encodeDid,
  type Payload,
  passkeySigningInput,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import { seededRandom } from './random.ts';

/** An authenticator in software: what a passkey would answer, user present and verified. */
export interface TestPasskey {
  readonly did: Did;
  readonly rpId: string;
  readonly origin: string;
  /** As in the `approver` statement. */
  readonly terms: { rpId: string; origins: string[]; credential: string };
  /** `place` overrides where the page says it is. */
  approve(
    payload: Payload<'approval'>,
    place?: { rpId?: string; origin?: string; flags?: number },
  ): Verified<'approval'>;
}

export function testPasskey(label: string): TestPasskey {
  const random: Random = seededRandom(`passkey ${label}`);
  const pair = crypto.p256.keyPair(Secret.from(random(32)));
  const did = encodeDid('p256', pair.publicKey);
  const rpId = 'localhost';
  const origin = 'http://localhost:7600';
  return {
    did,
    rpId,
    origin,
    terms: { rpId, origins: [origin], credential: toBase64url(random(16)) },
    approve(payload, place = {}) {
      const input = passkeySigningInput(did, payload);
      const authData = new Uint8Array(37);
      authData.set(crypto.sha256(utf8(place.rpId ?? rpId)));
      authData[32] = place.flags ?? 0x05;
      const clientDataJSON = utf8(
        JSON.stringify({
          type: 'webauthn.get',
          challenge: toBase64url(crypto.sha256(utf8(input))),
          origin: place.origin ?? origin,
          crossOrigin: false,
        }),
      );
      const signed = new Uint8Array(authData.length + 32);
      signed.set(authData);
      signed.set(crypto.sha256(clientDataJSON), authData.length);
      const sig = derSignature(crypto.p256.sign(pair.secretKey, signed));
      return verifyStatement(assemblePasskeyApproval(input, { authData, clientDataJSON, sig }), 'approval');
    },
  };
}

/** r ‖ s to ASN.1 DER, as authenticators give it. */
function derSignature(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    let start = 0;
    while (start < 31 && bytes[start] === 0) start += 1;
    const digits = bytes.slice(start);
    return digits[0]! >= 0x80 ? [0x02, digits.length + 1, 0, ...digits] : [0x02, digits.length, ...digits];
  };
  const body = [...integer(raw.slice(0, 32)), ...integer(raw.slice(32))];
  return Uint8Array.of(0x30, body.length, ...body);
}

/** SHA-256 as the statements write it. */
export function hashText(bytes: Uint8Array): string {
  return toBase64url(crypto.sha256(bytes));
}

export const bytesOf = fromBase64url;
