import { fromUtf8, type Random, type Secret, toBase64url, utf8 } from '@caponier/crypto';
import { fail, keyOf, type Signer, workerWire } from '@caponier/protocol';
import { sealTo } from '@caponier/session';
import { createWorkerLedger } from '@caponier/store';
import { type CheckedUse, type Operation, startWorker, type Views } from '@caponier/verify';
import type { Hono } from 'hono';
import { callWith } from './call/act.ts';
import { parseCall } from './call/form.ts';
import type { Upstream } from './call/upstream.ts';
import { useRoute } from './http.ts';
import { Intake } from './keys/intake.ts';
import { Keyring } from './keys/keyring.ts';
import { Secrets } from './secrets.ts';
import type { VaultDatabase } from './store/open.ts';

export interface VaultOptions {
  /** From `openVault`; closed by `close`. */
  readonly db: VaultDatabase;
  /** `MASTER_KEY_BYTES` bytes; wiped by `close`. */
  readonly masterKey: Secret;
  readonly upstream: Upstream;
  readonly signer: Signer;
  readonly views: Views;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Vault {
  readonly app: Hono;
  /** Takes no more, waits for calls under way, forgets its keys. */
  close(): Promise<void>;
}

/** The class this worker serves. */
export const vaultClass = 'secret';

/** What `secret.reveal` seals for: `openSealed` must be given the same, with the id of the request. */
export const revealContext = (request: string) => utf8(`caponier secret.reveal 1 ${request}`);

const beginning = /^([A-Za-z0-9][A-Za-z0-9._/@-]{0,127})?\*$/;

/**
 * Keeps secrets and uses them in the owner's place: an agent's call goes out with the secret in it, and the agent never
 * has it. Whoever takes over the vault has the secrets it keeps, and those only.
 */
export async function createVault(options: VaultOptions): Promise<Vault> {
  const { db, masterKey, upstream, ...ports } = options;
  const keys = new Keyring(masterKey, ports.random);
  const intake = new Intake(masterKey);
  const secrets = new Secrets(db, keys, intake);
  const name = workerWire.secretName;
  const operations: Record<string, Operation> = {
    'secret.put': { resource: name, act: (use) => put(use, secrets, ports.clock()) },
    'secret.use': { resource: name, act: (use) => call(use, secrets, upstream) },
    'secret.reveal': { resource: name, act: (use) => reveal(use, secrets, ports) },
    'secret.list': { resource: beginning, act: (use) => list(use, secrets) },
    'secret.delete': { resource: name, act: (use) => remove(use, secrets) },
  };
  const service = await startWorker({ ...ports, class: vaultClass, operations, ledger: createWorkerLedger(db) });
  const statement = await intake.statement(ports.signer, ports.random, ports.clock());
  const app = useRoute(service);
  app.get(workerWire.workerKeysPath, (c) => c.json({ statement } satisfies workerWire.WorkerKeys));
  return {
    app,
    close: async () => {
      await service.close();
      keys.wipe();
      intake.wipe();
      await db.close();
    },
  };
}

async function put(use: CheckedUse, secrets: Secrets, now: number): Promise<Uint8Array> {
  const { owner, count } = use;
  const epoch = owner.view.epoch(vaultClass)?.n ?? 0;
  const place = { owner: owner.view.id, name: nameOf(use), epoch };
  const facts = await secrets.put(place, json(use.body, 'vault.bad_secret'), {
    putBy: count.agent,
    now,
  });
  return answer<workerWire.SecretFacts>(facts);
}

async function call(use: CheckedUse, secrets: Secrets, upstream: Upstream): Promise<Uint8Array> {
  const form = parseCall(json(use.body, 'vault.bad_call'));
  const { facts, value } = await secrets.open(use.owner.view.id, nameOf(use));
  try {
    return answer<workerWire.SecretCallAnswer>(await callWith(form, facts, value, upstream));
  } finally {
    value.wipe();
  }
}

/** Sealed to the box key that the owner enrolled for the device: never to a key that the call itself brings along. */
async function reveal(
  use: CheckedUse,
  secrets: Secrets,
  { views, random }: Pick<VaultOptions, 'views' | 'random'>,
): Promise<Uint8Array> {
  refuseBody(use);
  const { asker } = use;
  const device = views.get(asker.owner).view.device(asker.device);
  if (!device) throw fail('owner.not_enrolled');
  const { value } = await secrets.open(use.owner.view.id, nameOf(use));
  try {
    const boxKey = keyOf(device.box, 'x25519');
    const sealed = sealTo(value.expose(), { boxKey, context: revealContext(use.request.id), random });
    return answer<workerWire.SecretRevealed>({ sealed: toBase64url(sealed) });
  } finally {
    value.wipe();
  }
}

async function list(use: CheckedUse, secrets: Secrets): Promise<Uint8Array> {
  refuseBody(use);
  const prefix = use.request.payload.resource.slice(0, -1);
  return answer<workerWire.SecretList>({ secrets: await secrets.list(use.owner.view.id, prefix) });
}

async function remove(use: CheckedUse, secrets: Secrets): Promise<Uint8Array> {
  refuseBody(use);
  await secrets.delete(use.owner.view.id, nameOf(use));
  return answer<workerWire.SecretDeleted>({ deleted: true });
}

const nameOf = (use: CheckedUse) => use.request.payload.resource;
const answer = <T>(value: T) => utf8(JSON.stringify(value));

/** The parameters as JSON. What does not parse may hold a secret, so the parser's own words go nowhere. */
function json(body: Uint8Array | null, code: 'vault.bad_secret' | 'vault.bad_call'): unknown {
  try {
    return body && JSON.parse(fromUtf8(body));
  } catch {
    throw fail(code, 'not JSON');
  }
}

function refuseBody({ body }: CheckedUse): void {
  if (body !== null) throw fail('vault.bad_call', 'a body where none is taken');
}
