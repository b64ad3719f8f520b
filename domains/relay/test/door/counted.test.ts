import { globSync, readFileSync } from 'node:fs';
import { toBase64url } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { seededRandom, type TestOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { type AdmissionPolicy, type RelayLimitName, type RelayLimits, relayLimitTable } from '../../src/index.ts';
import { countingMeter } from '../mail/counting.ts';
import { MemoryPeer } from '../memory-peer.ts';
import {
  codeOf,
  connect,
  keyBytes,
  knock,
  listen,
  membershipOf,
  messageId,
  ownerNamed,
  startRelay,
} from '../support.ts';

/** Limits that refuse, lower, delay, evict or cut nothing by themselves, each with its reason. */
const measures: { readonly [N in RelayLimitName]?: string } = {
  replacementsMs: 'the time over which `replacements` counts',
  mailBurst: 'how full the bucket of `mailPerMinute` may be',
  ownerMailBurst: 'how full the bucket of `ownerMailPerMinute` may be',
  mailSeconds: 'what a sender gets that says nothing; what ends by it is counted as mail that expired',
};

/** Those whose names are words for other things, too, or that bite far from where they are named: shown below to be counted. */
const shown = new Set<RelayLimitName>([
  'connections',
  'contacts',
  'logLinesPerMinute',
  'mailSecondsMost',
  'meetings',
  'newsStatements',
  'oneTimePerHour',
  'owners',
  'prekeys',
  'proving',
  'rememberIdsHours',
  'streams',
  'window',
]);

/** A relay with limits made small, and how often each was counted. */
async function withLimits(
  limits: Partial<RelayLimits>,
  admission: (ada: TestOwner) => AdmissionPolicy = () => ({ kind: 'open' }),
) {
  const meter = countingMeter();
  const ada = await ownerNamed('ada');
  const test = await startRelay({ meter, limits, admission: admission(ada) });
  return { test, ada, hits: (name: RelayLimitName) => meter.counts.get(`limit_hits ${name}`) ?? 0 };
}

const body = new Uint8Array(1);
const random = seededRandom('counted');
const prekeysOf = ({ box }: TestOwner, n: number) =>
  sign(box.signer, 'prekeys', {
    aud: 'any',
    versions: [1],
    box: box.box,
    prekey: toBase64url(random(32)),
    kem: toBase64url(random(1184)),
    oneTime: toBase64url(random(32)),
    iat: 1_800_000_000,
    nonce: toBase64url(messageId(n)),
  });

describe('each limit is counted where it bites', () => {
  it('or is the measure of another: by name, in the source', () => {
    const source = globSync('../../src/**/*.ts', { cwd: import.meta.dirname })
      .filter((file) => !file.endsWith('/limits.ts'))
      .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
      .join('\n')
      .replaceAll(/^ *(\/\*\*?|\*|\/\/).*$/gm, '')
      .replaceAll(/fail(Until)?\([^)]*\)/g, '');
    const named = new Set([...source.matchAll(/'(\w+)'/g)].map(([, name]) => name));
    const names = Object.keys(relayLimitTable) as RelayLimitName[];
    expect(names.filter((name) => !shown.has(name) && !named.has(name)).sort()).toEqual(Object.keys(measures).sort());
  });

  it('connections', async () => {
    const limits = { connections: 3, reservedConnections: 0, strangers: 2 };
    const { test, ada, hits } = await withLimits(limits, (ada) => ({ kind: 'allowlist', owners: [ada.id] }));
    for (const which of ['box', 'laptop', 'phone'] as const) await connect(test, ada, ada[which].signer);
    expect(hits('connections')).toBe(0);
    expect(test.relay.turnsAway('192.0.2.9')?.status).toBe(503);
    expect(hits('connections')).toBe(1);
  });

  it('owners', async () => {
    const { test, ada, hits } = await withLimits({ owners: 1, reservedOwners: 0 });
    await connect(test, ada, ada.box.signer);
    const bob = await ownerNamed('bob');
    expect(codeOf(await (await knock(test, bob, bob.box.signer)).gone())).toBe('relay.too_many');
    expect([hits('owners'), hits('reservedOwners')]).toEqual([1, 0]);
  });

  it('proofs that wait for others', async () => {
    const { test, hits } = await withLimits({ proving: 1 });
    const owners = await Promise.all(['ada', 'bob', 'cat'].map(ownerNamed));
    const peers = owners.map((_, n) => new MemoryPeer(test.relay, `192.0.2.${n}`));
    const hello = (peer: MemoryPeer, { box, id }: TestOwner, chain: readonly string[]) =>
      peer.hello(box.signer, id, chain, test.clock.seconds());
    await Promise.all(peers.map((peer, n) => hello(peer, owners[n]!, membershipOf(owners[n]!))));
    expect(peers.map((peer) => peer.has('welcome').length)).toEqual([1, 1, 1]);
    expect(hits('proving')).toBe(2);
  });

  it('contacts, prekeys, and statements of one news', async () => {
    const { test, ada, hits } = await withLimits({ contacts: 1, prekeys: 1, newsStatements: 1 });
    const { peer } = await connect(test, ada, ada.box.signer);
    for (const n of [1, 2])
      peer.send('allow', { channel: n, device: false, id: new Uint8Array(32).fill(n), verdict: 'allow' });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    const offers = await Promise.all([1, 2].map((n) => prekeysOf(ada, n)));
    peer.send('offer', { channel: 3, statements: offers });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    peer.send('news', { channel: 4, statements: membershipOf(ada).slice(0, 2) });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    expect([hits('contacts'), hits('prekeys'), hits('newsStatements')]).toEqual([1, 1, 1]);
  });

  it('one-time prekeys of a peer, and not where there are none', async () => {
    const { test, ada, hits } = await withLimits({ oneTimePerHour: 1 });
    const { peer } = await connect(test, ada, ada.box.signer);
    peer.send('offer', { channel: 1, statements: await Promise.all([1, 2].map((n) => prekeysOf(ada, n))) });
    await peer.next('done');
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    const fetch = async (channel: number, of: TestOwner['box']) => {
      laptop.send('fetch', { channel, device: keyBytes(of.signer) });
      return (await laptop.next('prekeys')).statement.length > 0;
    };
    expect([await fetch(1, ada.box), await fetch(2, ada.phone), hits('oneTimePerHour')]).toEqual([true, false, 0]);
    expect([await fetch(3, ada.box), hits('oneTimePerHour')]).toEqual([false, 1]);
  });

  it('meetings', async () => {
    const { test, ada, hits } = await withLimits({ meetings: 1, meetingsPerOwner: 1 });
    const bob = await ownerNamed('bob');
    const { peer: first } = await connect(test, ada, ada.box.signer);
    first.send('meet', { channel: 1, join: false, name: new Uint8Array(32).fill(1) });
    await first.next('met');
    const { peer: second } = await connect(test, bob, bob.box.signer);
    second.send('meet', { channel: 1, join: false, name: new Uint8Array(32).fill(2) });
    expect(codeOf(await second.next('error'))).toBe('relay.too_many');
    expect([hits('meetings'), hits('meetingsPerOwner')]).toEqual([1, 0]);
  });

  it('streams, and what is sent beyond their credit', async () => {
    const { test, ada, hits } = await withLimits({ streams: 1, window: 1_024 });
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    for (const channel of [1, 2]) peer.send('open', { channel, peer: keyBytes(ada.box.signer), purpose: 1 });
    expect((await peer.next('close')).channel).toBe(2);
    box.send('opened', { channel: (await box.next('open')).channel });
    await peer.next('opened');
    expect([hits('streams'), hits('window')]).toEqual([1, 0]);
    peer.send('data', { channel: 1, body: new Uint8Array(1_024) });
    expect(codeOf(await peer.gone())).toBe('relay.credit_exceeded');
    expect(hits('window')).toBe(1);
  });

  it('the time that a sender wants, and ids that are not remembered any more', async () => {
    const { test, ada, hits } = await withLimits({ mailSecondsMost: 60, rememberIdsHours: 1 });
    const { peer } = await connect(test, ada, ada.laptop.signer);
    for (const seconds of [0, 60, 61]) {
      peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(seconds), seconds, body });
      await peer.next('accepted');
    }
    expect(hits('mailSecondsMost')).toBe(1);
    const hour = () => {
      for (let n = 0; n < 600; n++) test.tick();
    };
    hour();
    await test.store.run('figures');
    expect(hits('rememberIdsHours')).toBe(0);
    test.clock.advance(3_601);
    hour();
    await expect.poll(() => hits('rememberIdsHours')).toBe(1);
  });

  it('lines about devices that come', async () => {
    const { test, ada, hits } = await withLimits({ logLinesPerMinute: 1 });
    await connect(test, ada, ada.box.signer);
    expect(hits('logLinesPerMinute')).toBe(0);
    await connect(test, ada, ada.box.signer);
    // Of the one that came, and of the one that it replaced: they are of two kinds.
    expect(hits('logLinesPerMinute')).toBe(1);
  });
});
