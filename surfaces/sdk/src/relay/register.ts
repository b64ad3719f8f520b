import { fail, type Signer } from '@caponier/protocol';
import type { Service } from '../directory/types.ts';
import { socketOfRelay } from '../joining/relay-address.ts';
import type { StartMaterial } from '../owner/types.ts';
import type { Platform } from '../platform/platform.ts';
import { membershipOf } from '../views/views.ts';
import { demandRelay, sayHello } from './hello.ts';
import { GREETING_TIME } from './limits.ts';
import { openWire, type Wire } from './wire.ts';

export interface Registration {
  readonly relay: Pick<Service, 'key' | 'url' | 'pin'>;
  /** The key of an enrolled device. */
  readonly signer: Signer;
  readonly start: StartMaterial;
  /** A `ticket` statement of the relay's operator, or empty where it asks for none. */
  readonly ticket: string;
  /** Called when the relay has said that it is the one that is meant, and before it is shown anything. */
  readonly intent?: () => void;
}

/**
 * Shows an owner to its relay, once, beside whatever connection of the device stands there. Resolves when the relay has
 * it; from then on its devices need no ticket. Throws `relay.not_admitted`, `relay.wrong_relay`, `relay.timeout`, what else
 * a relay refuses with, and what `Transport.connect` throws. May be done again.
 */
export async function registerAtRelay(platform: Platform, registration: Registration): Promise<void> {
  const { transport, wait } = platform;
  const { relay } = registration;
  const over = new AbortController();
  const admitted = Promise.withResolvers<void>();
  // Refused while the connection is still being made: heard of below all the same.
  admitted.promise.catch(() => {});
  let wire: Wire | undefined;
  try {
    let greeted = false;
    const address = { url: socketOfRelay(relay.url), ...(relay.pin !== null && { pin: relay.pin }) };
    const opened = await openWire(transport, address, over.signal, {
      onFrame: (frame) => {
        if (frame.type === 'welcome' && greeted) return admitted.resolve();
        if (frame.type !== 'challenge' || greeted) return;
        greeted = true;
        greet(opened, frame, platform, registration).catch(admitted.reject);
      },
      onClose: (code) => admitted.reject(fail(code, 'the relay refused')),
    });
    wire = opened;
    void wait(GREETING_TIME, over.signal).then(() => admitted.reject(fail('relay.timeout')));
    await admitted.promise;
  } finally {
    over.abort();
    wire?.close();
  }
}

async function greet(
  wire: Wire,
  challenge: Parameters<typeof sayHello>[1],
  { clock, random }: Platform,
  { relay, signer, start, ticket, intent }: Registration,
): Promise<void> {
  demandRelay(challenge, relay.key);
  intent?.();
  const pin = relay.pin ?? undefined;
  const identity = { signer, owner: start.owner, mode: 'shared', relay: relay.key, pin } as const;
  const shown = { resume: new Uint8Array(0), chain: membershipOf(start.chain), ticket };
  await sayHello(wire, challenge, identity, shown, clock, random);
}
