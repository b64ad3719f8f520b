import { fail } from '@caponier/protocol';

export type DhToken = 'ee' | 'es' | 'se' | 'ss';
export type Token = 'e' | 's' | DhToken | 'psk' | 'e1' | 'ekem1';

/** Which static keys each side knows beforehand, and the tokens of each message, initiator first. */
export interface Pattern {
  readonly initiatorStaticKnown: boolean;
  readonly responderStaticKnown: boolean;
  readonly messages: readonly (readonly Token[])[];
}

/**
 * Noise revision 34, sections 7.4 (one-way), 7.5 (fundamental) and 18.1 (deferred): `pre-messages | message | message …`.
 * A pre-message `>s` means that the responder knows the initiator's static key, `<s` the reverse.
 */
const table: Readonly<Record<string, string>> = {
  N: '<s | e es',
  K: '>s <s | e es ss',
  X: '<s | e es s ss',

  NN: '| e | e ee',
  KN: '>s | e | e ee se',
  NK: '<s | e es | e ee',
  KK: '>s <s | e es ss | e ee se',
  NX: '| e | e ee s es',
  KX: '>s | e | e ee se s es',
  XN: '| e | e ee | s se',
  IN: '| e s | e ee se',
  XK: '<s | e es | e ee | s se',
  IK: '<s | e es s ss | e ee se',
  XX: '| e | e ee s es | s se',
  IX: '| e s | e ee se s es',

  NK1: '<s | e | e ee es',
  NX1: '| e | e ee s | es',
  X1N: '| e | e ee | s | se',
  X1K: '<s | e es | e ee | s | se',
  XK1: '<s | e | e ee es | s se',
  X1K1: '<s | e | e ee es | s | se',
  X1X: '| e | e ee s es | s | se',
  XX1: '| e | e ee s | es s se',
  X1X1: '| e | e ee s | es s | se',
  K1N: '>s | e | e ee | se',
  K1K: '>s <s | e es | e ee | se',
  KK1: '>s <s | e | e ee se es',
  K1K1: '>s <s | e | e ee es | se',
  K1X: '>s | e | e ee s es | se',
  KX1: '>s | e | e ee se s | es',
  K1X1: '>s | e | e ee s | se es',
  I1N: '| e s | e ee | se',
  I1K: '<s | e es s | e ee | se',
  IK1: '<s | e s | e ee se es',
  I1K1: '<s | e s | e ee es | se',
  I1X: '| e s | e ee s es | se',
  IX1: '| e s | e ee se s | es',
  I1X1: '| e s | e ee s | se es',
};

const dhTokens: ReadonlySet<Token> = new Set<Token>(['ee', 'es', 'se', 'ss']);

function fundamental(name: string): Pattern {
  if (!Object.hasOwn(table, name)) throw fail('session.bad_handshake', `unknown pattern ${name}`);
  const [before, ...messages] = table[name]!.split('|');
  return {
    initiatorStaticKnown: before!.includes('>s'),
    responderStaticKnown: before!.includes('<s'),
    messages: messages.map((message) => message.trim().split(' ') as Token[]),
  };
}

function insert(pattern: Pattern, message: number, at: number, token: Token): Pattern {
  const messages = pattern.messages.map((tokens, i) => (i === message ? tokens.toSpliced(at, 0, token) : tokens));
  return { ...pattern, messages };
}

/** Section 9.4: `psk0` stands before the first message, `pskN` at the end of the N-th. */
function withPsk(pattern: Pattern, place: number): Pattern {
  if (place === 0) return insert(pattern, 0, 0, 'psk');
  const message = pattern.messages[place - 1];
  if (!message) throw fail('session.bad_handshake', `there is no message ${place} for a psk`);
  return insert(pattern, place - 1, message.length, 'psk');
}

/**
 * Noise hybrid forward secrecy extension, section 5: the initiator's KEM key `e1` follows the first DH of the first
 * message (so that it travels encrypted), or its `e` where there is none; the ciphertext `ekem1` follows `ee`.
 */
function withHfs(pattern: Pattern): Pattern {
  const first = pattern.messages[0]!;
  const dh = first.findIndex((token) => dhTokens.has(token));
  const reply = pattern.messages.findIndex((tokens) => tokens.includes('ee'));
  if (reply !== 1) throw fail('session.bad_handshake', 'hfs needs an answer with ee');
  const offered = insert(pattern, 0, (dh === -1 ? first.indexOf('e') : dh) + 1, 'e1');
  return insert(offered, reply, offered.messages[reply]!.indexOf('ee') + 1, 'ekem1');
}

/** A pattern by its name with modifiers, `NNpsk0+hfs`. Throws `session.bad_handshake`. */
export function patternOf(name: string): Pattern {
  const match = /^([NKXI]1?(?:[NKX]1?)?)((?:[a-z][a-z0-9]*)(?:\+[a-z][a-z0-9]*)*)?$/.exec(name);
  if (!match) throw fail('session.bad_handshake', 'malformed pattern name');
  let pattern = fundamental(match[1]!);
  const modifiers = match[2]?.split('+') ?? [];
  if (new Set(modifiers).size !== modifiers.length) throw fail('session.bad_handshake', 'a modifier stands twice');
  for (const modifier of modifiers) {
    const psk = /^psk([0-9])$/.exec(modifier);
    if (psk) pattern = withPsk(pattern, Number(psk[1]));
    else if (modifier === 'hfs') pattern = withHfs(pattern);
    else throw fail('session.bad_handshake', `unknown modifier ${modifier}`);
  }
  return pattern;
}
