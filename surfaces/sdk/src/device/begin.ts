import { crypto, type Random, Secret } from '@caponier/crypto';
import { seedSigner } from '@caponier/protocol';
import { join } from '../joining/joiner.ts';
import type { DeviceKeys, Joining, JoinOptions } from '../joining/types.ts';
import type { Platform } from '../platform/platform.ts';
import { joinMeeting } from '../relay/index.ts';

/** Seeds of a new device: 32 bytes each. Whoever makes them keeps them. */
export function newDeviceSeeds(random: Random): { readonly seed: Secret; readonly boxSeed: Secret } {
  return { seed: Secret.from(random(32)), boxSeed: Secret.from(random(32)) };
}

export function deviceKeysOf(seed: Secret, boxSeed: Secret): DeviceKeys {
  return { signer: seedSigner(seed), box: crypto.x25519.keyPair(boxSeed) };
}

/** Joins by a code, from a home that has nothing yet. Nothing is stored by this: see `Joining`. */
export function joinByCode(platform: Platform, options: JoinOptions): Joining {
  return join(
    platform,
    ({ url, pin }, name, signal) => joinMeeting(platform, { url, ...(pin !== null && { pin }) }, name, signal),
    options,
  );
}
