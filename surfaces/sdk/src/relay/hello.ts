import { type Random, toBase64url } from '@caponier/crypto';
import {
  type Did,
  type Frame,
  fail,
  keyOf,
  limits,
  maxResumeBytes,
  relayHeaderBytes,
  type Signer,
  sign,
} from '@caponier/protocol';
import { HELLO_SECONDS } from './limits.ts';
import type { Wire } from './wire.ts';

/** Who connects to which relay. */
export interface Identity {
  readonly signer: Signer;
  /** Null for a service. */
  readonly owner: string | null;
  readonly mode: 'exclusive' | 'shared';
  /** The key that the relay must have. */
  readonly relay: Did;
  readonly pin: string | undefined;
}

/** What is shown besides the proof: a token, or the chain and a ticket. */
export interface Shown {
  readonly resume: Uint8Array;
  readonly chain: readonly string[];
  readonly ticket: string;
}

/** Bytes of statements that fit one frame beside `hello`, `ticket` and token. */
const chainBytes = limits.maxFrameBytes - relayHeaderBytes - 2 * (2 + limits.maxStatementBytes) - 2 - maxResumeBytes;

/** Throws `relay.wrong_relay` where the challenge says that this is another relay. */
export function demandRelay({ relay }: Frame<'challenge'>, wanted: Did): void {
  if (keyOf(wanted, 'ed25519').some((byte, i) => byte !== relay[i])) throw fail('relay.wrong_relay');
}

/**
 * Answers a challenge. The challenge says which relay this claims to be: for another key nothing is signed. Throws
 * `relay.wrong_relay`.
 */
export async function sayHello(
  wire: Wire,
  asked: Frame<'challenge'>,
  { signer, owner, mode, relay: wanted, pin }: Identity,
  { resume, chain, ticket }: Shown,
  clock: () => number,
  random: Random,
): Promise<void> {
  demandRelay(asked, wanted);
  const iat = Math.floor(clock() / 1000);
  const hello = await sign(signer, 'hello', {
    aud: wanted,
    owner,
    challenge: toBase64url(asked.challenge),
    mode,
    tls: pin ?? null,
    iat,
    exp: iat + HELLO_SECONDS,
    nonce: toBase64url(random(16)),
  });
  const parts = inFrames(chain);
  for (const statements of parts.slice(0, -1)) wire.send('news', { statements });
  wire.send('hello', { hello, ticket, resume, chain: parts.at(-1) ?? [] });
}

function inFrames(chain: readonly string[]): string[][] {
  const parts: string[][] = [];
  let left = 0;
  for (const statement of chain) {
    const size = 2 + statement.length;
    if (parts.length === 0 || size > left) {
      parts.push([]);
      left = chainBytes;
    }
    parts.at(-1)!.push(statement);
    left -= size;
  }
  return parts;
}
