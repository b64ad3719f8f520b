import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crypto, Secret, toBase64url } from '@caponier/crypto';
import {
  type Did,
  decodeFrame,
  encodeDid,
  encodeFrame,
  relayErrorOf,
  type Signer,
  sign,
  verifyStatement,
} from '@caponier/protocol';
import { WebSocket } from 'ws';
import type { Stage } from '../stage.ts';
import { addressOf, minute, now, random, stranger } from './tools.ts';

/** Milliseconds for the relay to answer. */
const patience = 10_000;

/** A slot of the laptop's owner, claimed with an enrolment that a stranger signed. Yields the relay's refusal. */
export async function forgedEnrolment(stage: Stage): Promise<string> {
  const trustFile = await readFile(join(stage.folder, 'owner.trust'), 'utf8');
  const { statements } = JSON.parse(trustFile) as { statements: { statement: string }[] };
  const chain = statements.map(({ statement }) => statement);
  const owner = verifyStatement(chain[0]!, 'owner').id;
  const last = verifyStatement(chain.at(-1)!, 'owner', 'trust', 'rotate');
  const thief = stranger();
  const forged = await sign(thief, 'enroll', {
    owner,
    seq: last.payload.seq + 1,
    prev: last.id,
    iat: now(),
    view: toBase64url(random(32)),
    device: thief.did,
    box: encodeDid('x25519', crypto.x25519.keyPair(Secret.from(random(32))).publicKey),
    role: 'controller',
    name: 'laptop2',
  });
  return claimSlot(await addressOf(stage, 'relay'), owner, thief, [...chain, forged]);
}

async function claimSlot(url: string, owner: string, thief: Signer, chain: readonly string[]): Promise<string> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { perMessageDeflate: false });
  const answer = Promise.withResolvers<string>();
  const timer = setTimeout(() => answer.reject(new Error('the relay does not answer')), patience);
  socket.on('error', answer.reject);
  socket.on('close', (code) => answer.resolve(relayErrorOf(code)));
  socket.on('message', async (data: Buffer) => {
    const frame = decodeFrame(new Uint8Array(data), 'relay');
    if (frame.type === 'error') return answer.resolve(relayErrorOf(frame.code));
    if (frame.type === 'welcome') return answer.reject(new Error('the relay gave the slot away'));
    if (frame.type !== 'challenge') return;
    const relay: Did = encodeDid('ed25519', frame.relay);
    const hello = await sign(thief, 'hello', {
      aud: relay,
      owner,
      challenge: toBase64url(frame.challenge),
      mode: 'exclusive',
      tls: null,
      ...minute(),
    });
    socket.send(encodeFrame('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: [...chain] }));
  });
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}
