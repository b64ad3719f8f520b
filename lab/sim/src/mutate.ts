import { fromBase64url, toBase64url } from '@caponier/crypto';
import { idOf, kinds, type Signer } from '@caponier/protocol';
import type { Dice } from './dice.ts';

/** Ways to spoil a statement. Each gives another text, or the same where it does not fit this one. */

export interface Spoiled {
  readonly text: string;
  /** The mutation's name. */
  readonly how: string;
}

interface Material {
  readonly dice: Dice;
  /** The statement to spoil, and another one to take parts from. */
  readonly good: string;
  readonly other: string;
  /** A key that signed neither. */
  readonly stranger: Signer;
}

type Mutation = (material: Material) => string | Promise<string>;
type Parts = [header: string, payload: string, signature: string];

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const odd = ['=', '+', '/', ' ', '\n', '.', '\0', 'é', '{', '"'];
/** Order of the group of Ed25519, little-endian (RFC 8032 section 5.1). */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

const parts = (jws: string) => jws.split('.') as Parts;
const decode = (part: string) => new TextDecoder().decode(fromBase64url(part));
const encode = (text: string) => toBase64url(new TextEncoder().encode(text));

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

/** Changes the bytes of one part, and encodes them again as they should be. */
function withBytes(jws: string, part: number, change: (bytes: Uint8Array) => Uint8Array): string {
  const cut = parts(jws);
  cut[part] = toBase64url(change(fromBase64url(cut[part]!)));
  return cut.join('.');
}

/** Changes the JSON of header (0) or payload (1). */
function withJson(jws: string, part: 0 | 1, change: (value: Record<string, unknown>) => unknown): string {
  const cut = parts(jws);
  cut[part] = encode(JSON.stringify(change(JSON.parse(decode(cut[part])))));
  return cut.join('.');
}

/** Another value of the same type. */
function altered(dice: Dice, value: unknown): unknown {
  if (typeof value === 'number') return value + (dice.once(2) ? 1 : -1);
  if (typeof value === 'string') {
    const at = dice.below(value.length + 1);
    return splice(value, at, 1, dice.pick([...alphabet]));
  }
  if (typeof value === 'boolean') return !value;
  if (value === null) return dice.pick(['', 0, [], idOf('x')]);
  if (Array.isArray(value)) return value.length === 0 ? [idOf('y')] : value.slice(1);
  return { ...(value as object), more: 1 };
}

const mutations: Readonly<Record<string, Mutation>> = {
  'a character replaced': ({ dice, good }) => splice(good, dice.below(good.length), 1, dice.pick([...alphabet])),
  'a character of another alphabet': ({ dice, good }) => splice(good, dice.below(good.length + 1), 0, dice.pick(odd)),
  'a character removed': ({ dice, good }) => splice(good, dice.below(good.length), 1, ''),
  'characters swapped': ({ dice, good }) => {
    const at = dice.below(good.length - 1);
    return splice(good, at, 2, `${good[at + 1]}${good[at]}`);
  },
  'cut short': ({ dice, good }) => good.slice(0, dice.below(good.length)),
  'something appended': ({ dice, good }) => good + dice.pick(['.', '=', 'A', '\n', ' ', '.e30', `.${parts(good)[2]}`]),
  'other spare bits in the last character': ({ dice, good }) => {
    const part = dice.below(3);
    const cut = parts(good);
    const last = cut[part]!.at(-1)!;
    const near = alphabet[alphabet.indexOf(last) ^ 1]!;
    cut[part] = cut[part]!.slice(0, -1) + near;
    return cut.join('.');
  },
  'a bit flipped': ({ dice, good }) =>
    withBytes(good, dice.below(3), (bytes) => {
      const at = dice.below(bytes.length);
      bytes[at]! ^= 1 << dice.below(8);
      return bytes;
    }),
  'a part of another statement': ({ dice, good, other }) => {
    const cut = parts(good);
    const part = dice.below(3);
    cut[part] = parts(other)[part]!;
    return cut.join('.');
  },
  'the body of another statement under this header': ({ good, other }) =>
    [parts(good)[0], parts(other)[1], parts(other)[2]].join('.'),
  'another algorithm': ({ dice, good }) =>
    withJson(good, 0, (header) => ({
      ...header,
      alg: dice.pick(['none', 'EdDSA', 'ES256', 'HS256', 'webauthn-ES256', '']),
    })),
  'another kind': ({ dice, good }) =>
    withJson(good, 0, (header) => ({ ...header, typ: `stmt1.${dice.pick(kinds)}+jws` })),
  'another key named': ({ good, stranger }) => withJson(good, 0, (header) => ({ ...header, kid: stranger.did })),
  'a further member in the header': ({ dice, good }) =>
    withJson(good, 0, (header) => ({
      ...header,
      [dice.pick(['crit', 'jwk', 'b64', 'x5c'])]: dice.pick([[], {}, false]),
    })),
  'a member changed': ({ dice, good }) =>
    withJson(good, 1, (payload) => {
      const name = dice.pick(Object.keys(payload));
      return { ...payload, [name]: altered(dice, payload[name]) };
    }),
  'a member removed': ({ dice, good }) =>
    withJson(good, 1, (payload) => {
      const { [dice.pick(Object.keys(payload))]: _removed, ...rest } = payload;
      return rest;
    }),
  'members in another order': ({ good }) =>
    withJson(good, 1, (payload) => Object.fromEntries(Object.entries(payload).reverse())),
  'a member twice': ({ good }) => {
    const cut = parts(good);
    const text = decode(cut[1]);
    const first = Object.entries(JSON.parse(text))[0]!;
    cut[1] = encode(text.replace('{', `{${JSON.stringify(first[0])}:${JSON.stringify(first[1])},`));
    return cut.join('.');
  },
  'white space': ({ dice, good }) => {
    const part = dice.below(2);
    const cut = parts(good);
    cut[part] = encode(decode(cut[part]!).replace(':', ': '));
    return cut.join('.');
  },
  // RFC 8032 section 5.1.7: S must be below the order, or one signature has many spellings.
  'the signature with the order added': ({ good }) =>
    withBytes(good, 2, (signature) => {
      if (signature.length !== 64) return signature;
      let s = 0n;
      for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i]!);
      s += order;
      for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 0xffn);
      return signature;
    }),
  'an empty or constant signature': ({ dice, good }) =>
    withBytes(good, 2, () => new Uint8Array(dice.pick([1, 32, 63, 64, 65])).fill(dice.pick([0, 1, 255]))),
  'signed by a stranger in the name of the signer': async ({ good, stranger }) => {
    const [header, payload] = parts(good);
    const signature = await stranger.sign(new TextEncoder().encode(`${header}.${payload}`));
    return `${header}.${payload}.${toBase64url(signature)}`;
  },
};

const names = Object.keys(mutations);

/** One spoiled form of `good`, never `good` itself. */
export async function spoil(material: Material): Promise<Spoiled> {
  for (;;) {
    const how = material.dice.pick(names);
    const text = await mutations[how]!(material);
    if (text !== material.good && text !== material.other) return { text, how };
  }
}
