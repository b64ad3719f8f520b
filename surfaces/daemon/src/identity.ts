import type { Secret } from '@caponier/crypto';
import { type Home, loadOrCreateKey, systemRandom } from '@caponier/host/home';
import { fail, verifyStatement } from '@caponier/protocol';
import type { StartMaterial } from '@caponier/sdk';
import * as z from 'zod/mini';

/** Which device this home is, of which owner. Written by `up` or `join`; the daemon reads it when it starts. */
export interface Identity {
  readonly owner: string;
  /** did:key of this device. */
  readonly device: string;
  readonly name: string;
  readonly role: 'controller' | 'member';
  readonly start: StartMaterial;
}

/** Files of a home. */
export const identityFile = 'owner.json';
/** In the folder `keys`: seeds of 32 bytes. */
export const deviceKeyFile = 'device.key';
export const boxKeyFile = 'box.key';
/** In the folder `run`. */
export const socketFile = 'daemon.sock';

const statements = z.array(z.strictObject({ statement: z.string(), cosigns: z.array(z.string()) }));
const identity = z.strictObject({
  owner: z.string(),
  device: z.string(),
  name: z.string(),
  role: z.enum(['controller', 'member']),
  start: z.strictObject({
    owner: z.string(),
    anchor: z.strictObject({
      origin: z.string(),
      key: z.string(),
      witnesses: z.array(z.strictObject({ name: z.string(), key: z.string() })),
      k: z.int(),
    }),
    services: z.array(z.string()),
    chain: statements,
    tickets: z.array(z.string()),
  }),
});

/** Undefined where this home has no owner yet. Throws `store.damaged` for a file that is no identity. */
export function readIdentity(home: Home): Identity | undefined {
  const bytes = home.read(identityFile);
  if (!bytes) return undefined;
  try {
    return identity.parse(JSON.parse(new TextDecoder().decode(bytes))) as Identity;
  } catch (cause) {
    throw fail('store.damaged', identityFile, cause);
  }
}

const encode = (identity: Identity) => new TextEncoder().encode(`${JSON.stringify(identity, null, 2)}\n`);

/** Throws `owner.conflict` where the home is somebody already. */
export function writeIdentity(home: Home, made: Identity): void {
  if (!home.create(identityFile, encode(made))) throw fail('owner.conflict', 'this home has an owner');
}

/** Keeps one more ticket, in the place of those for the same service. */
export function keepTicket(home: Home, identity: Identity, ticket: string): void {
  const audienceOf = (jws: string) => verifyStatement(jws, 'ticket').payload.aud;
  const aud = audienceOf(ticket);
  const tickets = [...identity.start.tickets.filter((known) => audienceOf(known) !== aud), ticket];
  home.write(identityFile, encode({ ...identity, start: { ...identity.start, tickets } }));
}

/** The seeds of this device, made on first use. */
export function deviceSeeds(home: Home): { readonly seed: Secret; readonly boxSeed: Secret } {
  const keys = home.folder('keys');
  return {
    seed: loadOrCreateKey(keys, deviceKeyFile, systemRandom),
    boxSeed: loadOrCreateKey(keys, boxKeyFile, systemRandom),
  };
}
