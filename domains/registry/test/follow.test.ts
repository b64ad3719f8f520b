import { fromBase64url } from '@caponier/crypto';
import { type registryWire, sign } from '@caponier/protocol';
import { makeOwner, testGrant, testMemory, testSigner } from '@caponier/testkit';
import { CompactRange, leafHash, openCheckpoint } from '@caponier/tlog';
import { LogFollower, RegistryHttp } from '@caponier/verify';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Bench, bench, closeAll, isHead, logKeys, origin, registrySigner } from './setup.ts';

afterEach(closeAll);

const leavesIn = (lines: registryWire.FollowLine[]) => lines.flatMap((line) => (line.type === 'leaf' ? [line] : []));

function rootOf(lines: registryWire.FollowLine[]): Uint8Array {
  const range = CompactRange.empty();
  for (const { leaf } of leavesIn(lines)) range.append(leafHash(fromBase64url(leaf)));
  return range.root();
}

/** What an owner's trust names, where it is this registry. */
const deployment = (b: Bench) => ({
  registry: registrySigner,
  logOrigin: origin,
  witness: b.witnesses[0]!.signer,
  witnessName: b.witnesses[0]!.name,
});

describe('following', () => {
  it('shows every leaf, and a head whose root they give; from any leaf on', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire());
    const n = ada.chain.signed.length;
    const lines = await b.follow(0);
    const first = await lines.until(isHead('owners', n));
    expect(leavesIn(first).map((leaf) => leaf.index)).toEqual(ada.chain.signed.map((_, i) => i));
    const head = first.at(-1) as { checkpoint: string };
    const policy = { log: logKeys[0]!, witnesses: [b.witnesses[0]!.key], k: 1 };
    expect(openCheckpoint(head.checkpoint, policy).root).toEqual(rootOf(first));
    await ada.chain.add('grant', testGrant({ label: 'more' }));
    await b.append(ada.chain.wire(n));
    expect(leavesIn(await lines.until(isHead('owners', n + 1))).map((leaf) => leaf.index)).toEqual([n]);
    const late = await (await b.follow(n - 1)).until(isHead('owners', n + 1));
    expect(leavesIn(late).map((leaf) => leaf.index)).toEqual([n - 1, n]);
    // Who has seen more than there is gets the smaller head: proof of a rollback, if it was one.
    const ahead = await (await b.follow(n + 5)).until(isHead('owners', n + 1));
    expect(leavesIn(ahead)).toEqual([]);
  });

  it('shows private statements to readers, and to a relay membership alone', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    const eve = await makeOwner('eve', { clock: b.clock });
    await b.append(ada.chain.wire());
    await b.append(eve.chain.wire());
    const seen = async (query: string, headers = {}) => {
      const lines = leavesIn(await (await b.follow(0, query, headers)).until(isHead('owners')));
      const ids = new Map(lines.map((line) => [line.statement, line.index]));
      return (owner: typeof ada) => owner.chain.signed.filter(({ statement }) => ids.has(statement.jws)).length;
    };
    const all = ada.chain.signed.length;
    const full = await seen('', await b.hello(ada.gate));
    expect([full(ada), full(eve)]).toEqual([all, all - 5]);
    const stranger = await seen('');
    expect([stranger(ada), stranger(eve)]).toEqual([all - 5, all - 5]);
    const relay = await seen('&class=membership', await b.hello(ada.relay));
    expect(relay(ada)).toBe(all - 5);
    const modest = await seen('&class=membership', await b.hello(ada.gate));
    expect(modest(ada)).toBe(all - 5);
  });

  it('a freeze of an owner the reader has not heard of yet is told again with the head', async () => {
    const b = await bench();
    const lines = await b.follow(0);
    await lines.until(isHead('owners', 0));
    const ada = await makeOwner('ada', { clock: b.clock });
    b.witnesses[0]!.isDown = true;
    const pending = b.append(ada.chain.wire());
    const freeze = await sign(ada.phone.signer, 'freeze', {
      aud: ada.id,
      what: 'all',
      target: null,
      iat: b.clock.seconds(),
      nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    });
    let answer = await b.post('/freeze', { statement: freeze });
    while (answer.status !== 200) answer = await b.post('/freeze', { statement: freeze });
    const early = await lines.until((line) => line.type === 'now');
    expect(early.some(isHead('owners', ada.chain.signed.length))).toBe(false);
    b.witnesses[0]!.isDown = false;
    await b.settle(pending);
    await lines.until(isHead('owners', ada.chain.signed.length));
    expect((await lines.until((line) => line.type === 'now')).at(-1)).toMatchObject({ statement: freeze });
  });

  it('leaves room for services and readers, however many strangers follow, and none of them takes it all', async () => {
    const ada = await makeOwner('ada');
    const b = await bench({ maxFollowers: 20, clock: ada.clock, services: [ada.relay.did] });
    await b.append(ada.chain.wire());
    const codes = async (times: number, headers: () => Promise<object> | object) => {
      const answers: number[] = [];
      for (let n = 0; n < times; n++) {
        answers.push((await b.request('/follow?from=0', { headers: { ...(await headers()) } })).status);
      }
      return answers;
    };
    expect(await codes(11, () => ({}))).toEqual([...Array(10).fill(200), 503]);
    expect(await codes(1, () => b.hello(testSigner('a stranger with a key')))).toEqual([503]);
    expect(await codes(1, () => b.hello(ada.relay))).toEqual([200]);
    expect(await codes(9, () => b.hello(ada.box.signer))).toEqual([...Array(8).fill(200), 503]);
    expect(await codes(1, () => b.hello(ada.gate))).toEqual([200]);
  });

  it('is what the reader of the verify module reads', async () => {
    const b = await bench();
    const { broker, gate, workers, relay } = await makeOwner('deployment');
    const services = { broker, gate, workers, relay, ...deployment(b) };
    const ada = await makeOwner('ada', { clock: b.clock, services });
    await b.append(ada.chain.wire());
    const alarms: string[] = [];
    const follower = await LogFollower.open({
      registry: new RegistryHttp({
        url: 'http://registry',
        fetch: (url, init) => b.request(new URL(url).pathname + new URL(url).search, init),
        signer: ada.gate,
        registry: registrySigner.did,
        owner: null,
        random: ada.random,
        clock: b.clock,
      }),
      memory: testMemory(),
      anchor: {
        origin,
        key: registrySigner.did,
        witnesses: [{ name: 'witness.example', key: b.witnesses[0]!.signer.did }],
        k: 1,
      },
      mode: 'full',
      clock: b.clock,
      wait: (ms, signal) =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
          });
        }),
      alarm: (code) => alarms.push(code),
    });
    const changed = () =>
      new Promise<void>((resolve) => {
        const stop = follower.onChange(() => {
          stop();
          resolve();
        });
      });
    const first = changed();
    const running = follower.run();
    await first;
    const { view } = follower.get(ada.id);
    expect(view.seq).toBe(ada.view.seq);
    expect(view.grant(ada.grants.secret)?.label).toBe('secret');
    const frozen = changed();
    const freeze = await sign(ada.phone.signer, 'freeze', {
      aud: ada.id,
      what: 'device',
      target: ada.box.did,
      iat: b.clock.seconds(),
      nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    });
    await b.post('/freeze', { statement: freeze });
    await frozen;
    expect(follower.get(ada.id).view.frozen(ada.box.did)?.jws).toBe(freeze);
    const grown = changed();
    const from = ada.chain.signed.length;
    await ada.chain.add('grant', testGrant({ label: 'new' }));
    await b.append(ada.chain.wire(from));
    await grown;
    expect(follower.get(ada.id).view.seq).toBe(ada.view.seq);
    expect([alarms, follower.status.trouble]).toEqual([[], null]);
    follower.close();
    await closeAll();
    await running;
  });
});

describe('bounds', () => {
  it('who does not read is cut, and costs no more than its bounded queue', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire());
    const slow = await b.follow(0);
    const good = await b.follow(0);
    await slow.next();
    await good.until(isHead('events'));
    const asks = good.next();
    b.clock.advance(31);
    b.tick();
    expect((await asks).type).toBe('head');
    await expect(slow.until(() => false)).rejects.toThrow('registry.cut');
  });

  it('a follower that leaves is forgotten, and the number of streams is bounded', async () => {
    const b = await bench({ maxFollowers: 2 });
    const one = await b.follow(0);
    await b.follow(0);
    const third = await b.get('/follow?from=0');
    expect([third.status, third.body.code]).toEqual([503, 'host.too_many_connections']);
    await one.cancel();
    await (await b.follow(0)).until(isHead('owners', 0));
  });
});

describe('malformed input', () => {
  it('gets a code, changes nothing, and takes nothing down', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire());
    const before = await b.get('/owners/checkpoint');
    const wire = ada.chain.wire()[0]!;
    const mutated = fc
      .tuple(fc.nat(wire.statement.length), fc.integer({ min: 1, max: 30 }), fc.string({ maxLength: 3 }))
      .map(([at, n, put]) => wire.statement.slice(0, at) + put + wire.statement.slice(at + n));
    const statements = fc.array(
      fc.record({
        statement: fc.oneof(mutated, fc.string()),
        cosigns: fc.array(fc.oneof(mutated, fc.string()), { maxLength: 2 }),
      }),
      { maxLength: 3 },
    );
    const bodies = fc.oneof(
      fc.jsonValue(),
      fc.record({ statements }),
      fc.record({ statement: mutated }),
      fc.record({ leaves: fc.array(fc.string()) }),
    );
    const paths = fc.constantFrom('/append', '/freeze', '/events');
    await fc.assert(
      fc.asyncProperty(paths, bodies, async (path, body) => {
        const { status, body: problem } = await b.post(path, body);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        expect(problem.code).toMatch(/^[a-z]+\.[a-z_]+$/);
      }),
      { numRuns: 300 },
    );
    for (const raw of ['', '{', '[1', '\u0000', '{"statements":[]}', '{"statements":null,"x":1}']) {
      const answer = await b.request('/append', { method: 'POST', body: raw });
      expect(answer.status).toBe(400);
    }
    expect((await b.request('/append', { method: 'POST', body: `"${'x'.repeat(1024 * 1024)}"` })).status).toBe(413);
    await malformedPaths(b);
    expect((await b.get('/owners/checkpoint')).text).toBe(before.text);
  });

  async function malformedPaths(b: Bench): Promise<void> {
    for (const path of [
      '/follow',
      '/follow?from=-1',
      '/follow?from=1e3',
      '/follow?from=01',
      '/follow?from=99999999999999999999',
      '/follow?from=0&class=private',
      `/owners/${'A'.repeat(43)}?from=x`,
      '/owners/short',
      '/statements/short',
      '/events/proof',
      '/events/proof?index=-1',
      '/owners/tile/',
      '/%00',
    ]) {
      const { status, body } = await b.get(path);
      expect([400, 404]).toContain(status);
      expect(body.code).toMatch(/^(registry\.bad_range|host\.not_found)$/);
    }
  }
});
