import { crypto, fromBase64url, Secret, toBase64url } from '@caponier/crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { claimedKind, type Payload, seedSigner, sign, Verified, verifyStatement } from '../src/index.ts';

const signer = seedSigner(Secret.from(new Uint8Array(32).fill(1)));
const other = seedSigner(Secret.from(new Uint8Array(32).fill(2)));
const zero32 = toBase64url(new Uint8Array(32));
const zero16 = toBase64url(new Uint8Array(16));

const payload: Payload<'freeze'> = {
  aud: zero32,
  what: 'agent',
  target: 'claude@box',
  iat: 1_800_000_000,
  nonce: zero16,
};
let good: string;

beforeAll(async () => {
  good = await sign(signer, 'freeze', payload);
});

const encoder = new TextEncoder();

/** Signs arbitrary header and payload bytes with the right key: only the form can be at fault. */
async function signRaw(header: string | Uint8Array, body: string | Uint8Array, by = signer): Promise<string> {
  const bytes = (part: string | Uint8Array) => (typeof part === 'string' ? encoder.encode(part) : part);
  const input = `${toBase64url(bytes(header))}.${toBase64url(bytes(body))}`;
  return `${input}.${toBase64url(await by.sign(encoder.encode(input)))}`;
}

const header = (members: Record<string, unknown> = {}) =>
  JSON.stringify({ alg: 'Ed25519', typ: 'stmt1.freeze+jws', kid: signer.did, ...members });
const body = (members: Record<string, unknown> = {}) => JSON.stringify({ ...payload, ...members });

function refused(jws: string, code: string): void {
  expect(() => verifyStatement(jws, 'freeze')).toThrow(expect.objectContaining({ code }));
}

describe('a statement', () => {
  test('verifies to what was signed, and to nothing that can be changed', () => {
    const verified = verifyStatement(good, 'freeze');
    expect(verified.payload).toEqual(payload);
    expect(verified.kid).toBe(signer.did);
    expect(verified.id).toBe(toBase64url(crypto.sha256(encoder.encode(good))));
    expect(Verified.is(verified)).toBe(true);
    expect(() => Object.assign(verified.payload, { what: 'all' })).toThrow(TypeError);
    expect(() => Object.assign(verified, { kid: other.did })).toThrow(TypeError);
  });

  test('cannot be made without verification', () => {
    const Constructor = Verified as unknown as new (...args: unknown[]) => unknown;
    expect(() => new Constructor(Symbol('verified'), 'freeze', good, signer.did, payload, null)).toThrow(
      expect.objectContaining({ code: 'host.internal' }),
    );
    expect(Verified.is({ ...verifyStatement(good, 'freeze') })).toBe(false);
    expect(Verified.is(Object.create(Verified.prototype))).toBe(false);
  });

  test('of one kind is not accepted as another', () => {
    expect(() => verifyStatement(good, 'permit')).toThrow(expect.objectContaining({ code: 'statement.wrong_kind' }));
    expect(claimedKind(good)).toBe('freeze');
    expect(verifyStatement(good, 'permit', 'freeze').kind).toBe('freeze');
  });

  test('with any one character changed is refused', () => {
    for (let i = 0; i < good.length; i++) {
      for (const c of ['A', 'b', '-', '.']) {
        if (good[i] === c) continue;
        const altered = good.slice(0, i) + c + good.slice(i + 1);
        expect(() => verifyStatement(altered, 'freeze'), `at ${i}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^statement\./) }),
        );
      }
    }
  });

  test('signed by another key than it names is refused', async () => {
    refused(await signRaw(header({ kid: other.did }), body()), 'statement.bad_signature');
    refused(await signRaw(header(), body(), other), 'statement.bad_signature');
  });
});

describe('the strict profile refuses, although rightly signed,', () => {
  const cases: [what: string, make: () => Promise<string>, code: string][] = [
    ['a further header member', () => signRaw(header({ crit: [] }), body()), 'statement.malformed'],
    [
      'header members in another order',
      () => signRaw(JSON.stringify({ typ: 'stmt1.freeze+jws', alg: 'Ed25519', kid: signer.did }), body()),
      'statement.malformed',
    ],
    ['no algorithm', () => signRaw(header({ alg: 'none' }), body()), 'statement.malformed'],
    ['the older name of the algorithm', () => signRaw(header({ alg: 'EdDSA' }), body()), 'statement.malformed'],
    ['the algorithm of another key type', () => signRaw(header({ alg: 'ES256' }), body()), 'statement.malformed'],
    [
      'a passkey signature outside an approval',
      () => signRaw(header({ alg: 'webauthn-ES256' }), body()),
      'statement.malformed',
    ],
    ['another version', () => signRaw(header({ typ: 'stmt2.freeze+jws' }), body()), 'statement.wrong_kind'],
    ['an unknown kind', () => signRaw(header({ typ: 'stmt1.toString+jws' }), body()), 'statement.wrong_kind'],
    [
      'a kind named like an inherited member',
      () => signRaw(header({ typ: 'stmt1.constructor+jws' }), body()),
      'statement.wrong_kind',
    ],
    [
      'an agreement key as signer',
      () => signRaw(header({ kid: 'did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc' }), body()),
      'statement.malformed',
    ],
    ['a key that is no key', () => signRaw(header({ kid: 'did:web:example.com' }), body()), 'statement.bad_key'],
    ['white space in the payload', () => signRaw(header(), ` ${body()}`), 'statement.malformed'],
    ['a duplicate member', () => signRaw(header(), body().replace('{', '{"what":"all",')), 'statement.malformed'],
    ['an escaped spelling', () => signRaw(header(), body().replace('"agent"', '"\\u0061gent"')), 'statement.malformed'],
    [
      'another spelling of a number',
      () => signRaw(header(), body().replace('1800000000', '18e8')),
      'statement.malformed',
    ],
    [
      'a byte order mark',
      () => signRaw(header(), new Uint8Array([0xef, 0xbb, 0xbf, ...encoder.encode(body())])),
      'statement.malformed',
    ],
    ['bytes that are not UTF-8', () => signRaw(header(), new Uint8Array([0x7b, 0xff, 0x7d])), 'statement.malformed'],
    ['an array', () => signRaw(header(), '[]'), 'statement.malformed'],
    ['null', () => signRaw(header(), 'null'), 'statement.malformed'],
    ['an unknown member', () => signRaw(header(), body({ extra: 1 })), 'statement.bad_payload'],
    ['a __proto__ member', () => signRaw(header(), body().replace('{', '{"__proto__":{},')), 'statement.bad_payload'],
    [
      'a missing member',
      () => signRaw(header(), JSON.stringify({ ...payload, nonce: undefined })),
      'statement.bad_payload',
    ],
    ['a fraction as time', () => signRaw(header(), body({ iat: 1.5 })), 'statement.bad_payload'],
    [
      'a nonce with trailing bits',
      () => signRaw(header(), body({ nonce: `${zero16.slice(0, -1)}B` })),
      'statement.bad_payload',
    ],
    [
      'a name with a bidirectional override',
      () => signRaw(header(), body({ target: 'claude\u202e@box' })),
      'statement.bad_payload',
    ],
    [
      'a newline at the end of a name',
      () => signRaw(header(), body({ target: 'claude@box\n' })),
      'statement.bad_payload',
    ],
    ['more than 16 KiB', () => signRaw(header(), body({ target: 'x'.repeat(13_000) })), 'statement.too_large'],
  ];
  test.each(cases)('%s', async (_what, make, code) => {
    refused(await make(), code);
  });

  test('four parts, two parts, padding, and other alphabets', () => {
    const [h, p, s] = good.split('.') as [string, string, string];
    for (const bad of [
      `${good}.`,
      `${good}.x`,
      `${h}.${p}`,
      `${h}..${s}`,
      `.${p}.${s}`,
      `${h}.${p}.${s}=`,
      `${h}.${p}.${s}\n`,
      ` ${good}`,
      `${h}.${p}+.${s}`,
      '',
      '..',
      'é'.repeat(10),
    ]) {
      refused(bad, 'statement.malformed');
    }
  });

  test('a signature with S ≥ L, which a lenient verifier takes for the same', () => {
    const [h, p, s] = good.split('.') as [string, string, string];
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = fromBase64url(s);
    let value = signature.subarray(32).reduceRight((sum, b) => (sum << 8n) | BigInt(b), 0n) + order;
    for (let i = 32; i < 64; i++, value >>= 8n) signature[i] = Number(value & 0xffn);
    refused(`${h}.${p}.${toBase64url(signature)}`, 'statement.bad_signature');
  });

  test('the forgery under the identity key: R and A of small order, S = 0', async () => {
    const identity = new Uint8Array(32);
    identity[0] = 1;
    const { encodeDid } = await import('../src/index.ts');
    const kid = encodeDid('ed25519', identity);
    const input = `${toBase64url(encoder.encode(header({ kid })))}.${toBase64url(encoder.encode(body()))}`;
    const signature = new Uint8Array(64);
    signature[0] = 1;
    refused(`${input}.${toBase64url(signature)}`, 'statement.bad_signature');
  });
});

test('nobody signs what nobody would accept', async () => {
  await expect(sign(signer, 'freeze', { ...payload, nonce: 'short' })).rejects.toMatchObject({
    code: 'statement.bad_payload',
  });
  await expect(
    sign(signer, 'alarm', {
      aud: 'any',
      code: 'log.forked',
      facts: Array(4).fill('x'.repeat(4096)),
      iat: 0,
      nonce: zero16,
    }),
  ).rejects.toMatchObject({
    code: 'statement.too_large',
  });
});

test('what parses has one spelling: the parts sign to the same text again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('all' as const, 'device' as const, 'agent' as const),
      fc.nat(2 ** 31),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      async (what, iat, nonce) => {
        const jws = await sign(signer, 'freeze', { aud: zero32, what, target: null, iat, nonce: toBase64url(nonce) });
        const { payload } = verifyStatement(jws, 'freeze');
        expect(await sign(signer, 'freeze', payload as Payload<'freeze'>)).toBe(jws);
      },
    ),
  );
});

test('fuzz: arbitrary text is refused with a code of its own', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((s) => `${good}${s}x`),
        fc.base64String().map((s) => `${s}.${s}.${s}`),
      ),
      (text) => {
        expect(() => verifyStatement(text, 'freeze')).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^statement\./) }),
        );
      },
    ),
    { numRuns: 2000 },
  );
});
