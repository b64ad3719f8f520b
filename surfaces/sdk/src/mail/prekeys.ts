import { type Random, toBase64url } from '@caponier/crypto';
import { type Signer, sign } from '@caponier/protocol';
import { bundleToMembers, type PrekeyBundle, Prekeys } from '@caponier/session';
import * as z from 'zod/mini';
import type { RelayPort } from '../link/relay-port.ts';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';
import type { KeyedLock } from '../sync/lock.ts';
import { prekeysKey } from './keys.ts';
import { loadPrekeys, prekeysChange } from './sessions.ts';

/** One-time keys at the relay below which more are brought, and up to how many. */
export const oneTimeKeys = { low: 20, full: 50 } as const;
/** Days after which the last-resort keys are replaced. */
export const lastResortDays = 7;
const dayMs = 86_400_000;

const shownKey = 'mail/prekeys-shown';
const shown = z.strictObject({ rotatedAt: z.int() });

export interface PrekeyPorts {
  readonly store: KeyValue;
  readonly lock: KeyedLock;
  readonly relay: RelayPort;
  readonly signer: Signer;
  /** X25519 public key of the device. */
  readonly box: Uint8Array;
  readonly random: Random;
  readonly clock: () => number;
}

/** Sees to it that mail to this device can begin while it is away. Called at each connection, and when keys were used. */
export function offerPrekeys(ports: PrekeyPorts): Promise<void> {
  const { store, lock, relay, box, random, clock } = ports;
  return lock.run(prekeysKey, async () => {
    const known = await loadPrekeys(store);
    const bytes = await store.get(shownKey);
    const rotatedAt = bytes ? openJson(bytes, shown, 'store.damaged').rotatedAt : null;
    const old = rotatedAt !== null && clock() - rotatedAt > lastResortDays * dayMs;
    const renew = !known || rotatedAt === null || old || known.shouldRotate;
    let prekeys = known ?? Prekeys.create(random);
    if (known && (old || known.shouldRotate)) prekeys = known.rotate(random);
    const left = relay.oneTimeLeft ?? 0;
    const bundles: PrekeyBundle[] = renew ? [prekeys.lastResort(box)] : [];
    if (left < oneTimeKeys.low) {
      const more = prekeys.addOneTime(box, oneTimeKeys.full - left, random);
      prekeys = more.prekeys;
      bundles.push(...more.bundles);
    }
    if (bundles.length === 0) return;
    // Ours before anybody can use them: a message to keys that we do not have could never be read.
    await store.put([prekeysChange(prekeys)]);
    await relay.offer(await Promise.all(bundles.map((bundle) => signBundle(ports, bundle))));
    if (renew) await store.put([[shownKey, jsonBytes({ rotatedAt: clock() })]]);
  });
}

function signBundle({ signer, random, clock }: PrekeyPorts, bundle: PrekeyBundle): Promise<string> {
  const iat = Math.floor(clock() / 1000);
  const members = bundleToMembers(bundle);
  return sign(signer, 'prekeys', { aud: 'any', ...members, iat, nonce: toBase64url(random(16)) });
}
