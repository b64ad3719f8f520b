import { crypto, Secret, toBase64url } from '@caponier/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  assemblePasskeyApproval,
  encodeDid,
  type Payload,
  passkeySigningInput,
  signatureFromDer,
  verifyStatement,
} from '../src/index.ts';

const zero32 = toBase64url(new Uint8Array(32));
const pair = crypto.p256.keyPair(Secret.from(new Uint8Array(32).fill(5)));
const kid = encodeDid('p256', pair.publicKey);
const gate = encodeDid('ed25519', crypto.ed25519.keyPair(Secret.from(new Uint8Array(32).fill(6))).publicKey);
const payload: Payload<'approval'> = {
  aud: gate,
  owner: zero32,
  decision: 'allow',
  request: zero32,
  policy: null,
  iat: 1,
  exp: 2,
  nonce: toBase64url(new Uint8Array(16)),
};
const encoder = new TextEncoder();

function toDer(signature: Uint8Array): Uint8Array {
  const integer = (half: Uint8Array) => {
    let digits = half;
    while (digits.length > 1 && digits[0] === 0) digits = digits.subarray(1);
    const padded = digits[0]! >= 0x80 ? [0, ...digits] : [...digits];
    return [0x02, padded.length, ...padded];
  };
  const inner = [...integer(signature.subarray(0, 32)), ...integer(signature.subarray(32))];
  return new Uint8Array([0x30, inner.length, ...inner]);
}

interface Ceremony {
  type?: string;
  origin?: string;
  challenge?: Uint8Array;
  flags?: number;
  crossOrigin?: boolean;
}

/** What an authenticator and a browser do with our challenge. */
function approve({
  type = 'webauthn.get',
  origin = 'http://localhost:1',
  challenge,
  flags = 0x05,
  crossOrigin,
}: Ceremony = {}): string {
  const input = passkeySigningInput(kid, payload);
  const clientDataJSON = encoder.encode(
    JSON.stringify({
      type,
      challenge: toBase64url(challenge ?? crypto.sha256(encoder.encode(input))),
      origin,
      ...(crossOrigin === undefined ? {} : { crossOrigin }),
    }),
  );
  const authData = new Uint8Array([...crypto.sha256(encoder.encode('localhost')), flags, 0, 0, 0, 1]);
  const signed = new Uint8Array([...authData, ...crypto.sha256(clientDataJSON)]);
  return assemblePasskeyApproval(input, {
    authData,
    clientDataJSON,
    sig: toDer(crypto.p256.sign(pair.secretKey, signed)),
  });
}

test('a passkey approval verifies and tells where it was given', () => {
  const verified = verifyStatement(approve(), 'approval');
  expect(verified.payload.decision).toBe('allow');
  expect(verified.passkey).toEqual({
    origin: 'http://localhost:1',
    rpIdHash: toBase64url(crypto.sha256(encoder.encode('localhost'))),
  });
  expect(verifyStatement(approve({ crossOrigin: false }), 'approval').passkey?.origin).toBe('http://localhost:1');
});

test.each([
  ['of a registration', { type: 'webauthn.create' }],
  ['of another challenge', { challenge: new Uint8Array(32) }],
  ['without the user present', { flags: 0x04 }],
  ['without the user verified', { flags: 0x01 }],
  ['from inside a foreign page', { crossOrigin: true }],
] satisfies [string, Ceremony][])('an assertion %s is refused', (_what, ceremony) => {
  expect(() => verifyStatement(approve(ceremony), 'approval')).toThrow(
    expect.objectContaining({ code: 'statement.bad_signature' }),
  );
});

test('a signature over other bytes is refused', () => {
  const jws = approve();
  const [h, p, s] = jws.split('.') as [string, string, string];
  const denied = passkeySigningInput(kid, { ...payload, decision: 'deny' });
  expect(() => verifyStatement(`${denied}.${s}`, 'approval')).toThrow(
    expect.objectContaining({ code: 'statement.bad_signature' }),
  );
  expect(() => verifyStatement(`${h}.${p}.${toBase64url(new Uint8Array(64))}`, 'approval')).toThrow(
    expect.objectContaining({ code: 'statement.malformed' }),
  );
});

test('DER signatures have one spelling', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (raw) => {
      expect(signatureFromDer(toDer(raw))).toEqual(raw);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      let raw: Uint8Array;
      try {
        raw = signatureFromDer(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'statement.malformed' });
        return;
      }
      expect(toDer(raw)).toEqual(bytes);
    }),
  );
  const der = toDer(new Uint8Array(64).fill(0x81));
  for (let cut = 0; cut < der.length; cut++) expect(() => signatureFromDer(der.slice(0, cut))).toThrow();
  expect(() => signatureFromDer(new Uint8Array([...der, 0]))).toThrow();
});
