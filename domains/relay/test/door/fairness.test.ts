import { randomBytes } from 'node:crypto';
import { sign } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, type TestOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { Places, Turns } from '../../src/door/proving.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, helloOf, membershipOf, ownerNamed, startRelay } from '../support.ts';

const loose = { challengesPerMinute: 1e6, failuresPerMinute: 1e6, strangersPerAddress: 2_000, strangers: 2_500 };

/** An owner with a long chain: each statement of it is a signature to check. */
async function longOwner(seed: string, length: number): Promise<TestOwner> {
  const owner = await makeOwner(seed);
  for (let n = 0; n < length; n++) {
    await owner.chain.add('enroll', enrolment(makeDevice(seed, `device-${n}`, 'member')));
  }
  return owner;
}

/** Counts turns of the event loop; what it yields says how many there were, and ends that. */
function countTurns(): () => number {
  let turns = 0;
  let counting = true;
  const count = () => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  return () => {
    counting = false;
    return turns;
  };
}

describe('a device that is known', () => {
  it('is let in while two thousand strangers wait for their proofs, and none of these blocks the loop', async () => {
    const ada = await ownerNamed('ada');
    const long = await longOwner('long', 40);
    const test = await startRelay({ limits: loose });
    const before = new MemoryPeer(test.relay, '192.0.2.1');
    await before.hello(ada.box.signer, ada.id, membershipOf(ada), test.clock.seconds());
    before.close(1000);

    // A whole chain of good signatures, and a device that is not in it: the costliest way to fail.
    const chain = membershipOf(long);
    const thief = testSigner('a thief');
    const flood = Array.from({ length: 2_000 }, (_, n) => new MemoryPeer(test.relay, `10.0.${n >> 8}.${n & 255}`));
    await flood.at(-1)!.until('challenge');
    const hellos = await Promise.all(
      flood.map((peer) =>
        helloOf(thief, peer.has('challenge')[0]!.challenge, test.clock.seconds(), { owner: long.id }),
      ),
    );
    for (const [n, peer] of flood.entries()) {
      peer.say('hello', { hello: hellos[n]!, ticket: '', resume: new Uint8Array(0), chain });
    }
    const turns = countTurns();

    const device = new MemoryPeer(test.relay, '192.0.2.2');
    await device.hello(ada.laptop.signer, ada.id, membershipOf(ada), test.clock.seconds());
    expect(device.has('welcome')).toHaveLength(1);
    expect(test.relay.counts().strangers).toBeGreaterThan(1_000);
    await expect.poll(() => test.relay.counts().proving, { interval: 1 }).toBe(64);

    // A proof of 41 statements is judged in slices, each a turn of the loop: counted, since time is the machine's.
    const answered = () => flood.filter((peer) => peer.closed !== null).length;
    while (answered() < 64) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(turns()).toBeGreaterThan(5 * answered());
    for (const peer of flood) peer.close(1000);
  });

  it('is no better off for a hello that only claims to be hers', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const first = new MemoryPeer(test.relay);
    await first.hello(ada.box.signer, ada.id, membershipOf(ada), test.clock.seconds());
    const thief = new MemoryPeer(test.relay, '192.0.2.9');
    await thief.until('challenge');
    const hello = await helloOf(ada.box.signer, new Uint8Array(32), test.clock.seconds(), { owner: ada.id });
    thief.say('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: [] });
    await thief.until('welcome');
    expect(codeOf(thief.closed!)).toBe('relay.bad_hello');
    expect(first.closed).toBeNull();
  });
});

describe('a chain without its first statement', () => {
  it('costs no signature check', async () => {
    const test = await startRelay();
    const stranger = testSigner('stranger');
    const statements = await Promise.all(
      Array.from({ length: 400 }, (_, n) =>
        sign(stranger, 'cosign', {
          aud: 'A'.repeat(43),
          of: 'A'.repeat(43),
          iat: test.clock.seconds(),
          exp: test.clock.seconds() + n + 1,
          nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
        }),
      ),
    );
    const challenge = randomBytes(32);
    const owner = `${'B'.repeat(42)}A`;
    const hello = await helloOf(stranger, challenge, test.clock.seconds(), { owner });
    const proof = { challenge, hello, ticket: '', resume: new Uint8Array(0), chain: statements };
    let units = 0;
    const pace = (spent: number) => {
      units += spent;
    };
    const newOwners = { take: () => 0, giveBack() {} };
    await expect(test.relay.admission.prove(proof, { pace, newOwners })).rejects.toThrow('relay.bad_hello');
    // The hello itself, and a hash for each.
    expect(units).toBe(16 + 400);
  });
});

describe('statements of another owner', () => {
  it('cost one signature check, however many there are', async () => {
    const [ada, long] = [await ownerNamed('ada'), await longOwner('long', 20)];
    const test = await startRelay();
    const show = async (chain: readonly string[]) => {
      const challenge = randomBytes(32);
      const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id });
      let units = 0;
      const pace = (spent: number) => {
        units += spent;
      };
      const newOwners = { take: () => 0, giveBack() {} };
      const proof = { challenge, hello, ticket: '', resume: new Uint8Array(0), chain };
      await test.relay.admission.prove(proof, { pace, newOwners }).catch((error: Error) => error);
      return units;
    };
    await show(membershipOf(ada));
    // The hello itself, a hash and a check.
    expect(await show(membershipOf(long))).toBe(16 + 1 + 8);
  });
});

describe('a removal of an owner that is not in memory', () => {
  it('is judged in slices, with all that has to be read for it', async () => {
    const [long, ada] = [await longOwner('long', 40), await ownerNamed('ada')];
    const test = await startRelay({ limits: { cachedOwners: 1 } });
    for (const owner of [long, ada]) {
      await new MemoryPeer(test.relay).hello(owner.box.signer, owner.id, membershipOf(owner), test.clock.seconds());
    }
    const turns = countTurns();
    const { statement } = await long.chain.add('revoke', { what: 'device', target: long.laptop.did });
    await test.relay.present([statement.jws]);
    // At least 41 statements are checked, four in a slice.
    expect(turns()).toBeGreaterThan(10);
  });
});

describe('turns and places', () => {
  it('go to devices first, to strangers now and then, and to one address after another', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const all = [...Array(3).keys()].map((n) => turns.wait(false).then(() => order.push(`stranger ${n}`)));
    all.push(...[...Array(6).keys()].map((n) => turns.wait(true).then(() => order.push(`known ${n}`))));
    await Promise.all(all);
    expect(order.slice(0, 4)).toEqual(['known 0', 'known 1', 'known 2', 'stranger 0']);
    expect(order).toHaveLength(9);

    const places = new Places(1);
    const served: string[] = [];
    const visit = (address: string) =>
      places.run(address, async () => {
        served.push(address);
        await new Promise((resolve) => setImmediate(resolve));
      });
    await Promise.all(['a', 'a', 'a', 'b', 'a', 'c'].map(visit));
    expect(served).toEqual(['a', 'a', 'b', 'c', 'a', 'a']);
    expect(places.taken).toBe(0);
    await expect(places.run('a', async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(places.taken).toBe(0);
  });
});
