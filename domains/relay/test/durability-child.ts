import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@caponier/crypto';
import { keyOf } from '@caponier/protocol';
import { makeOwner, manualClock, seededRandom } from '@caponier/testkit';
import { createRelay, openRelayStore } from '../src/index.ts';
import { membershipOf, relaySigner } from './hello.ts';
import { MemoryPeer } from './memory-peer.ts';

/** Prints `ACK n` in the moment in which the relay says `accepted` for mail n; traced by durability.test.ts. */
const [, , folder = '', count = '0'] = process.argv;
const clock = manualClock();
const store = await openRelayStore(join(folder, 'relay.db'));
const relay = createRelay({
  store,
  clock,
  random: seededRandom('durability'),
  signer: relaySigner,
  admission: { kind: 'open' },
  every: () => () => {},
});
const ada = await makeOwner('ada', { clock });
const sender = new MemoryPeer(relay);
await sender.hello(ada.laptop.signer, ada.id, membershipOf(ada), clock.seconds());
const total = Number(count);
const done = new Promise<void>((resolve) => {
  let accepted = 0;
  sender.onFrame = (frame) => {
    if (frame.type !== 'accepted') return;
    writeSync(1, `ACK ${new DataView(frame.id.buffer, frame.id.byteOffset).getUint32(0)}\n`);
    accepted += 1;
    if (accepted === total) resolve();
  };
});
const to = keyOf(ada.box.did, 'ed25519');
for (let n = 1; n <= total; n++) {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, n);
  sender.say('mail', { to, id, seconds: 0, body: utf8(`<mail-${String(n).padStart(4, '0')}>`) });
  // Some alone, some together: a group shares its sync and still waits for it.
  if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
}
await done;
relay.close();
await store.close();
