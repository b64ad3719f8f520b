import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crypto, toBase64url } from '@caponier/crypto';
import { errorOfProblem, type Payload, type Signer, sign, verifyStatement } from '@caponier/protocol';
import { encodeUse, usePath } from '@caponier/verify';
import { expect, type Stage } from '../stage.ts';
import { addressOf, minute, nonce, now, stranger, takenOver } from './tools.ts';

/** Everything that belongs to the permit of journey 2: whoever has the capsule has it. */
interface Loot {
  readonly request: string;
  readonly delegations: readonly string[];
  readonly approvals: readonly string[];
  readonly permit: string;
  /** base64url. */
  readonly body: string;
}

async function lootOf(stage: Stage): Promise<Loot> {
  return JSON.parse(await readFile(join(stage.folder, 'request.capsule'), 'utf8')) as Loot;
}

/** The permit and all that belongs to it, in the hands of somebody without the agent's key. */
export async function stolenPermit(stage: Stage): Promise<string> {
  const loot = await lootOf(stage);
  return present(stage, loot, loot.permit, stranger());
}

/** The broker, with its real key, permits what the owner left to the gate. */
export async function lyingBroker(stage: Stage): Promise<string> {
  const loot = await lootOf(stage);
  const { payload } = verifyStatement(loot.permit, 'permit');
  const lie = { ...(payload as Payload<'permit'>), iat: now(), exp: now() + 300, nonce: nonce() };
  return present(stage, loot, await sign(takenOver(stage.machine('laptop'), 'broker'), 'permit', lie), stranger());
}

/** Takes a permit to the vault; yields the code with which it refuses. */
async function present(stage: Stage, loot: Loot, permit: string, thief: Signer): Promise<string> {
  const { request, delegations, approvals } = loot;
  const asked = verifyStatement(request, 'request');
  const body = new Uint8Array(Buffer.from(loot.body, 'base64url'));
  const use = await sign(thief, 'use', {
    aud: asked.payload.aud,
    permit: verifyStatement(permit, 'permit').id,
    request: asked.id,
    method: 'POST',
    path: usePath,
    body: toBase64url(crypto.sha256(body)),
    counter: 7,
    ...minute(),
  });
  const answer = await fetch(`${await addressOf(stage, 'worker', 'secret')}${usePath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: encodeUse([request, ...delegations, permit, ...approvals, use], body) as Uint8Array<ArrayBuffer>,
  });
  expect(answer.status !== 200, 'the vault refuses');
  return errorOfProblem(await answer.json()).code;
}
