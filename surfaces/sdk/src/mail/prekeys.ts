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
const oneTimeKeys = { low: 20, full: 50 } as const;
/** Days after which the last-resort keys are replaced. */
const lastResortDays = 7;
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

/** Sees to it that mail to this device can begin while it is away. */
export class PrekeyShelf {
  readonly #ports: PrekeyPorts;
  /** One-time keys at the relay, as far as we can know: what it said when we connected, and what came and went since. */
  #left = 0;

  constructor(ports: PrekeyPorts) {
    this.#ports = ports;
  }

  /** At each connection. */
  connected(): Promise<void> {
    this.#left = this.#ports.relay.oneTimeLeft ?? 0;
    return this.#fill();
  }

  /** When somebody began a session with a key of ours. */
  used(): Promise<void> {
    this.#left = Math.max(0, this.#left - 1);
    return this.#fill();
  }

  #fill(): Promise<void> {
    const { store, lock, relay, box, random, clock } = this.#ports;
    return lock.run(prekeysKey, async () => {
      const known = await loadPrekeys(store);
      const bytes = await store.get(shownKey);
      const rotatedAt = bytes ? openJson(bytes, shown, 'store.damaged').rotatedAt : null;
      const old = rotatedAt !== null && clock() - rotatedAt > lastResortDays * dayMs;
      const rotate = known !== null && (old || known.shouldRotate);
      let prekeys = known ?? Prekeys.create(random);
      if (rotate) prekeys = prekeys.rotate(random);
      // A relay that has none left may have forgotten the last resort, too.
      const renew = rotatedAt === null || rotate || this.#left === 0;
      const bundles: PrekeyBundle[] = renew ? [prekeys.lastResort(box)] : [];
      const missing = this.#left < oneTimeKeys.low ? oneTimeKeys.full - this.#left : 0;
      if (missing > 0) {
        const more = prekeys.addOneTime(box, missing, random);
        prekeys = more.prekeys;
        bundles.push(...more.bundles);
      }
      if (bundles.length === 0) return;
      // Ours before anybody can use them: a message to keys that we do not have could never be read.
      await store.put([prekeysChange(prekeys)]);
      await relay.offer(await Promise.all(bundles.map((bundle) => signBundle(this.#ports, bundle))));
      this.#left += missing;
      if (rotatedAt === null || rotate) await store.put([[shownKey, jsonBytes({ rotatedAt: clock() })]]);
    });
  }
}

function signBundle({ signer, random, clock }: PrekeyPorts, bundle: PrekeyBundle): Promise<string> {
  const iat = Math.floor(clock() / 1000);
  const members = bundleToMembers(bundle);
  return sign(signer, 'prekeys', { aud: 'any', ...members, iat, nonce: toBase64url(random(16)) });
}
