import { toBase64url } from '@caponier/crypto';
import { sign, limits as wire } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, manualClock, type TestOwner, testSigner } from '@caponier/testkit';
import { expect, it } from 'vitest';
import { relayLimitTable } from '../../src/index.ts';
import { countingMeter, wrongCounters } from '../mail/counting.ts';
import {
  codeOf,
  connect,
  knock,
  membershipOf,
  messageId,
  ownerNamed,
  relaySigner,
  startRelay,
  type TestRelay,
  temporaryFolder,
} from '../support.ts';

const bytesOf = (owner: TestOwner) => membershipOf(owner).join('').length;
const roomOf = (owner: TestOwner) => bytesOf(owner) + wire.maxStatementBytes;

/** `welcome`, or why the owner's device is not let in. */
async function outcome(test: TestRelay, owner: TestOwner, which: 'box' | 'laptop' | 'phone' = 'box', ticket = '') {
  const peer = await knock(test, owner, owner[which].signer, { ticket });
  return Promise.race([peer.next('welcome').then(({ type }) => type), peer.gone().then(codeOf)]);
}

async function grow(owner: TestOwner, bytes: number): Promise<void> {
  const wanted = bytesOf(owner) + bytes;
  for (let n = 0; bytesOf(owner) < wanted; n++) {
    await owner.chain.add('enroll', enrolment(makeDevice(owner.seed, `more-${n}`, 'member')));
  }
}

it('new owners have a share of it together, also after a restart; a day later they are none', async () => {
  const [ada, bob, cat] = await Promise.all(['ada', 'bob', 'cat'].map(ownerNamed));
  const folder = await temporaryFolder();
  const clock = manualClock();
  const operator = testSigner('operator');
  const options = {
    folder,
    clock,
    admission: { kind: 'open', operators: [operator.did] } as const,
    limits: { newcomerStatementBytes: roomOf(ada!) + roomOf(bob!) - 1 },
  };
  const meter = countingMeter();
  const first = await startRelay({ ...options, meter });
  expect(await outcome(first, ada!)).toBe('welcome');
  expect(await outcome(first, bob!)).toBe('relay.too_many');
  expect(meter.counts.get('limit_hits newcomerStatementBytes')).toBe(1);
  // Nobody who is here already is asked again, and a ticket takes nothing of it.
  expect(await outcome(first, ada!, 'laptop')).toBe('welcome');
  const ticket = await sign(operator, 'ticket', {
    aud: relaySigner.did,
    uses: 1,
    iat: clock.seconds(),
    exp: clock.seconds() + 600,
    nonce: toBase64url(messageId(1)),
  });
  expect(await outcome(first, cat!, 'box', ticket)).toBe('welcome');
  await first.close();
  const second = await startRelay(options);
  expect(await outcome(second, bob!)).toBe('relay.too_many');
  clock.advance(24 * 3_600 - 1);
  expect(await outcome(second, bob!)).toBe('relay.too_many');
  clock.advance(1);
  expect(await outcome(second, bob!)).toBe('welcome');
  await second.close();
  expect(wrongCounters(folder)).toEqual([]);
});

it('a new owner that came small grows within the share, and can still revoke when others have taken the rest', async () => {
  const [eve, bob] = await Promise.all([makeOwner('eve-grows'), ownerNamed('bob')]);
  const folder = await temporaryFolder();
  const test = await startRelay({ folder, limits: { newcomerStatementBytes: roomOf(eve) + roomOf(bob!) } });
  expect(await outcome(test, eve)).toBe('welcome');
  expect(await outcome(test, bob!)).toBe('welcome');
  const { peer: laptop } = await connect(test, eve, eve.laptop.signer);
  const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.laptop.did });
  await test.relay.present([statement.jws]);
  expect(codeOf(await laptop.gone())).toBe('relay.revoked');
  await grow(eve, wire.maxStatementBytes);
  expect(await outcome(test, eve)).toBe('relay.too_many');
  // What it had stands, and nothing of what was refused is kept.
  expect(await outcome(test, eve, 'laptop')).toBe('relay.too_many');
  test.clock.advance(24 * 3_600);
  expect(await outcome(test, eve)).toBe('welcome');
  expect(await outcome(test, eve, 'laptop')).toBe('relay.revoked');
  await test.close();
  expect(wrongCounters(folder)).toEqual([]);
});

it('an owner of long standing keeps a bundle of statements, and no more', async () => {
  const eve = await makeOwner('eve-stays');
  const test = await startRelay();
  expect(await outcome(test, eve)).toBe('welcome');
  test.clock.advance(25 * 3_600);
  const place = { owner: eve.id, prev: eve.view.head, view: eve.view.head, iat: test.clock.seconds() };
  const revoke = async (n: number) =>
    sign(eve.root, 'revoke', { ...place, seq: 1_000 + n, what: 'device', target: eve.laptop.did });
  const room = wire.maxBundleStatements - membershipOf(eve).length;
  await test.relay.present(await Promise.all(Array.from({ length: room }, (_, n) => revoke(n))));
  await expect(test.relay.present([await revoke(room)])).rejects.toMatchObject({ code: 'relay.too_many' });
  expect(await outcome(test, eve)).toBe('welcome');
  expect(await outcome(test, eve, 'laptop')).toBe('relay.revoked');
});

it('owners that the operator names take nothing of the share', async () => {
  const least = relayLimitTable.newcomerStatementBytes.min;
  const [ada, bob] = await Promise.all(['ada', 'bob'].map(ownerNamed));
  const test = await startRelay({
    admission: { kind: 'allowlist', owners: [ada!.id, bob!.id] },
    limits: { newcomerStatementBytes: least },
  });
  expect(await outcome(test, ada!)).toBe('welcome');
  expect(await outcome(test, bob!)).toBe('welcome');
  expect(roomOf(ada!) + roomOf(bob!)).toBeGreaterThan(least);
});
