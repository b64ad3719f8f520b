import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fail, sign } from '@caponier/protocol';
import { makeOwner, manualClock, testGrant } from '@caponier/testkit';
import { openCheckpoint } from '@caponier/tlog';
import { signNext } from '@caponier/verify';
import { afterEach, describe, expect, it } from 'vitest';
import { httpWitness } from '../src/index.ts';
import { type Bench, backup, bench, closeAll, isHead, logKeys, TestWitness } from './setup.ts';

afterEach(closeAll);

const sizeOf = async (b: Bench) => Number((await b.get('/owners/checkpoint')).text.split('\n')[1]);

describe('a registry that is asked to end', () => {
  it('finishes what is under way, and sends on who comes now; what it has, it shows', async () => {
    const b = await bench();
    const [ada, eve] = [await makeOwner('ada', { clock: b.clock }), await makeOwner('eve', { clock: b.clock })];
    await b.append(ada.chain.wire().slice(0, 2));
    const following = await b.request('/follow?from=0');
    const ended = following.text().catch((error: unknown) => error);
    // The witness answers only when the end has been asked for.
    const [witness] = b.witnesses;
    const asked = Promise.withResolvers<void>();
    const may = Promise.withResolvers<void>();
    const cosign = witness!.addCheckpoint.bind(witness);
    witness!.addCheckpoint = async (body) => {
      asked.resolve();
      await may.promise;
      return cosign(body);
    };
    const under = b.append(ada.chain.wire());
    await asked.promise;
    b.registry.drain();
    // A stream that does not end would hold the process up for as long as its reader likes.
    expect(await ended).toMatchObject({ code: 'registry.cut' });

    for (const [method, path] of [
      ['POST', '/append'],
      ['POST', '/events'],
      ['GET', '/follow?from=0'],
    ] as const) {
      const body = method === 'POST' ? JSON.stringify({ statements: eve.chain.wire() }) : null;
      const answer = await b.request(path, { method, body });
      expect([answer.status, answer.headers.get('retry-after')], path).toEqual([503, expect.stringMatching(/^\d+$/)]);
      expect(answer.headers.get('content-type'), path).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ code: 'host.busy' });
    }
    may.resolve();
    expect((await b.settle(under)).status).toBe(200);
    expect(await sizeOf(b)).toBe(ada.chain.signed.length);
    expect((await b.get(`/owners/${eve.id}`)).body.code).toBe('owner.unknown');
  });

  it('obeys a freeze to the last', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire());
    b.registry.drain();
    const said = { aud: ada.id, what: 'all', target: null, iat: b.clock.seconds(), nonce: 'A'.repeat(22) } as const;
    const freeze = await sign(ada.phone.signer, 'freeze', said);
    expect((await b.post('/freeze', { statement: freeze })).status).toBe(200);
    expect((await b.get(`/owners/${ada.id}`)).body.freezes).toEqual([freeze]);
  });
});

describe('durable before acknowledged', () => {
  it('a crash between leaf and head leaves a statement that the next start publishes', async () => {
    let integrated = () => {};
    const b = await bench({
      store: (store) => ({
        ...store,
        integrate: async (batch) => {
          await store.integrate(batch);
          integrated();
        },
      }),
    });
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 2));
    b.witnesses[0]!.isDown = true;
    const durable = new Promise<void>((resolve) => {
      integrated = resolve;
    });
    const pending = b.append(ada.chain.wire());
    await durable;
    expect(await sizeOf(b)).toBe(2);
    // The disk as a crash at this moment would leave it.
    const crashed = backup(b.path);
    expect((await b.settle(pending, 1)).body.code).toBe('log.not_enough_witnesses');
    b.witnesses[0]!.isDown = false;
    await closeAll();
    const next = await bench({ path: crashed, clock: b.clock, witnesses: b.witnesses });
    expect(await sizeOf(next)).toBe(ada.chain.signed.length);
    const again = await next.append(ada.chain.wire());
    expect(again.body.appended.map((a: { index: number }) => a.index)).toEqual(ada.chain.signed.map((_, i) => i));
  });

  it('nothing is signed or shown that the disk did not take', async () => {
    let broken: 'store.full' | 'store.unavailable' | null = null;
    const b = await bench({
      store: (store) => ({
        ...store,
        integrate: async (batch) => {
          if (broken) throw fail(broken);
          return store.integrate(batch);
        },
      }),
    });
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 2));
    const calls = b.witnesses[0]!.calls;
    broken = 'store.full';
    expect((await b.append(ada.chain.wire())).body.code).toBe('store.full');
    expect([b.witnesses[0]!.calls, await sizeOf(b), b.halts]).toEqual([calls, 2, []]);
    broken = null;
    expect((await b.append(ada.chain.wire().slice(0, 4))).status).toBe(200);
    // Not known whether it was written: it builds on nothing it only believes.
    broken = 'store.unavailable';
    expect((await b.append(ada.chain.wire())).body.code).toBe('store.damaged');
    broken = null;
    expect((await b.append(ada.chain.wire())).body.code).toBe('store.damaged');
    expect(b.halts).toHaveLength(1);
  });

  it('two processes on one store do not both write', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 2));
    const other = await bench({ path: b.path, clock: b.clock, witnesses: b.witnesses });
    expect((await other.append(ada.chain.wire().slice(0, 3))).status).toBe(200);
    const eve = await makeOwner('eve', { clock: b.clock });
    expect((await b.append(eve.chain.wire())).body.code).toBe('store.damaged');
    expect(b.halts).toHaveLength(1);
  });
});

describe('witnesses', () => {
  it('a store from an old backup does not start while a witness knows more', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 3));
    const old = backup(b.path);
    await b.append(ada.chain.wire());
    await closeAll();
    const again = { path: old, clock: b.clock, witnesses: b.witnesses };
    await expect(bench(again)).rejects.toThrow('log.rolled_back');
    // The whole store starts.
    expect(await sizeOf(await bench({ ...again, path: b.path }))).toBe(ada.chain.signed.length);
  });

  it('one that was away at the start ends a rolled back log when it comes back', async () => {
    const clock = manualClock();
    const [one, two] = [new TestWitness('one', clock), new TestWitness('two', clock)] as const;
    const b = await bench({ clock, witnesses: [one, two], k: 2 });
    const ada = await makeOwner('ada', { clock });
    await b.append(ada.chain.wire().slice(0, 3));
    const old = backup(b.path);
    await b.append(ada.chain.wire());
    await closeAll();
    one.isDown = two.isDown = true;
    const restored = await bench({ path: old, clock, witnesses: [one, two], k: 2 });
    const other = await signNext(ada.chain.signed[2]!.view, 'grant', testGrant(), ada.pen);
    const pending = restored.append([{ statement: other.statement.jws, cosigns: [] }]);
    two.isDown = false;
    expect((await restored.settle(pending)).body.code).toBe('log.rolled_back');
    expect(restored.halts).toMatchObject([{ code: 'log.rolled_back' }]);
    expect((await restored.get('/owners/checkpoint')).body.code).toBe('log.rolled_back');
  });

  it('a tree rewritten at the same size is a fork, and ends the log', async () => {
    const b = await bench();
    const [ada, eve] = [await makeOwner('ada', { clock: b.clock }), await makeOwner('eve', { clock: b.clock })];
    await b.append(ada.chain.wire().slice(0, 3));
    const other = await bench({ clock: b.clock });
    await other.append(eve.chain.wire().slice(0, 3));
    await closeAll();
    await expect(bench({ path: other.path, clock: b.clock, witnesses: b.witnesses })).rejects.toThrow('log.forked');
  });

  it('a witness that lies about its size, or answers nonsense, stops nobody', async () => {
    const clock = manualClock();
    const good = new TestWitness('good', clock);
    const liar = new TestWitness('liar', clock);
    liar.addCheckpoint = async () => ({ status: 409, text: '999999\n' });
    const mute = new TestWitness('mute', clock);
    mute.addCheckpoint = async () => ({ status: 200, text: '\u2014 mute AAAAAAAA\n' });
    const forger = new TestWitness('forger', clock);
    forger.head = async () => good.heads.get(logKeys[0]!.name)?.note ?? null;
    const b = await bench({ clock, witnesses: [good, liar, mute, forger], k: 2 });
    const ada = await makeOwner('ada', { clock });
    const answer = await b.append(ada.chain.wire());
    expect(answer.status).toBe(200);
    const opened = openCheckpoint(answer.body.checkpoint, {
      log: logKeys[0]!,
      witnesses: b.witnesses.map((w) => w.key),
      k: 2,
    });
    expect(opened.cosigned.map((c) => c.witness).sort()).toEqual(['forger', 'good']);
    expect(b.halts).toEqual([]);
  });

  it('answers nobody with fewer than k, and catches a late witness up', async () => {
    const clock = manualClock();
    const [one, two] = [new TestWitness('one', clock), new TestWitness('two', clock)] as const;
    two.isDown = true;
    const b = await bench({ clock, witnesses: [one, two], k: 2 });
    expect((await b.get('/owners/checkpoint')).body.code).toBe('log.not_enough_witnesses');
    const ada = await makeOwner('ada', { clock });
    const pending = b.append(ada.chain.wire());
    two.isDown = false;
    expect((await b.settle(pending)).status).toBe(200);
    expect(two.heads.get(logKeys[0]!.name)!.size).toBe(ada.chain.signed.length);
    await expect(bench({ witnesses: [one], k: 2 })).rejects.toThrow('host.bad_config');
  });

  it('cosigns a quiet log again every ten seconds', async () => {
    const b = await bench();
    const lines = await b.follow(0);
    await lines.until(isHead('owners', 0));
    const time = async () =>
      openCheckpoint((await b.get('/owners/checkpoint')).text, {
        log: logKeys[0]!,
        witnesses: [b.witnesses[0]!.key],
        k: 1,
      }).time;
    const first = await time();
    b.clock.advance(9);
    b.tick();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await time()).toBe(first);
    b.clock.advance(1);
    b.tick();
    await lines.until(isHead('owners', 0));
    expect(await time()).toBe(first! + 10);
  });

  it('over HTTP: pinned by key, bounded in bytes, unreachable is said', async () => {
    const clock = manualClock();
    const real = new TestWitness('w', clock);
    const vkey = 'w+00000000+AA==';
    expect(() => httpWitness({ url: 'http://w', vkey, fetch })).toThrow('log.bad_note');
    const calls: string[] = [];
    const { formatVkey } = await import('@caponier/tlog');
    const client = httpWitness({
      url: 'http://w/prefix',
      vkey: formatVkey(real.key),
      fetch: async (url, init) => {
        calls.push(`${init?.method ?? 'GET'} ${url}`);
        if (url.includes('head')) return new Response(await real.head(logKeys[0]!.name), { status: 200 });
        const { status, text } = await real.addCheckpoint(String(init?.body));
        return new Response(text, { status });
      },
    });
    const b = await bench({ clock, witnesses: [client as TestWitness] });
    expect(await sizeOf(b)).toBe(0);
    expect(calls).toContain('POST http://w/prefix/add-checkpoint');
    expect(calls).toContain('GET http://w/prefix/head?origin=log.example%2Fowners');
    const answer = (response: Response) =>
      httpWitness({ url: 'http://w', vkey: formatVkey(real.key), fetch: () => response });
    await expect(answer(new Response('x'.repeat(20_000))).head('x')).rejects.toThrow('host.unreachable');
    await expect(answer(new Response('', { status: 500 })).head('x')).rejects.toThrow('host.unreachable');
    await expect(answer(new Response(null, { status: 204 })).head('x')).resolves.toBeNull();
  });
});

describe('a damaged store', () => {
  it.each([
    ['a tile', "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE log = 'owners'", 'store.damaged'],
    ['a missing tile', 'DELETE FROM tile', 'store.damaged'],
    ['a smaller tree', "UPDATE log SET size = 1 WHERE name = 'owners'", 'store.damaged'],
    [
      'a foreign checkpoint',
      "UPDATE log SET note = replace(note, 'log.example', 'other') WHERE name = 'owners'",
      'log.bad_signature',
    ],
  ])('%s does not start', async (_what, text, code) => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 3));
    await closeAll();
    const db = new DatabaseSync(b.path);
    db.exec(text);
    db.close();
    await expect(bench({ path: b.path, clock: b.clock, witnesses: b.witnesses })).rejects.toThrow(code);
  });

  it('a chain that was altered on the disk is not built upon', async () => {
    const b = await bench();
    const ada = await makeOwner('ada', { clock: b.clock });
    await b.append(ada.chain.wire().slice(0, 3));
    await closeAll();
    const db = new DatabaseSync(b.path);
    db.exec('UPDATE statement SET jws = (SELECT jws FROM statement WHERE seq = 1) WHERE seq = 2');
    db.close();
    const next = await bench({ path: b.path, clock: b.clock, witnesses: b.witnesses });
    expect((await next.append(ada.chain.wire().slice(3))).body.code).toBe('store.damaged');
  });

  it('a file that is no database is refused', async () => {
    const b = await bench();
    await closeAll();
    writeFileSync(b.path, readFileSync(b.path).fill(7));
    await expect(bench({ path: b.path })).rejects.toThrow('store.damaged');
  });
});
