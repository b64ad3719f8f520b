import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@caponier/crypto';
import { seedSigner } from '@caponier/protocol';
import {
  emptyRoot,
  formatAddCheckpoint,
  leafHash,
  logKey,
  nodesFromTiles,
  openCheckpoint,
  proveConsistency,
  signCheckpoint,
  TreeEdge,
} from '@caponier/tlog';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { createWitness, openWitnessStore, type Witness } from '../src/index.ts';

const signer = (n: number) => seedSigner(Secret.from(new Uint8Array(32).fill(n)));
const [log, self, stranger] = [signer(1), signer(2), signer(3)] as const;
const origin = 'registry.example/owners';
let now = 1_000_000_000_000;
const open: Witness[] = [];
afterEach(async () => {
  for (const witness of open.splice(0)) await witness.close();
});

async function start(path = join(mkdtempSync(join(tmpdir(), 'witness-')), 'witness.db'), forks: string[] = []) {
  const witness = createWitness({
    store: await openWitnessStore(path),
    clock: () => now,
    signer: self,
    name: 'w1',
    logs: [logKey(origin, log.did)],
    onFork: (known, shown) => forks.push(known, shown),
  });
  open.push(witness);
  return { witness, path, forks };
}

/** A history of leaves, told by its seed: two seeds are two histories. */
function history(seed: number) {
  const leaves = Array.from({ length: 400 }, (_, i) => leafHash(Uint8Array.of(seed, i >> 8, i)));
  const at = (size: number) => TreeEdge.empty().grow(leaves.slice(0, size));
  return {
    root: (size: number) => at(size).edge.root(),
    note: (size: number, by = log, name = origin) =>
      signCheckpoint({ origin: name, size, root: size === 0 ? emptyRoot() : at(size).edge.root() }, by),
    proof: (from: number, to: number) => {
      const tiles = new Map(at(to).tiles.map((t) => [`${t.level}/${t.index}`, t.hashes]));
      return proveConsistency(
        from,
        to,
        nodesFromTiles(to, async (level, index) => tiles.get(`${level}/${index}`)!),
      );
    },
  };
}
const ours = history(1);
const other = history(2);

async function add(witness: Witness, from: number, to: number, h = ours, note?: string) {
  const body = formatAddCheckpoint({
    oldSize: from,
    proof: await h.proof(from, to),
    checkpoint: note ?? (await h.note(to)),
  });
  return post(witness, body);
}
const post = async (witness: Witness, body: string) => {
  const answer = await witness.app.request('/add-checkpoint', { method: 'POST', body });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};
const head = async (witness: Witness) => (await witness.app.request(`/head?origin=${origin}`)).text();

it('cosigns a log as it grows, and again at the same size with a new time', async () => {
  const { witness } = await start();
  expect((await witness.app.request(`/head?origin=${origin}`)).status).toBe(204);
  const policy = { log: logKey(origin, log.did), witnesses: [witness.key], k: 1 };
  const opened = async (note: string, line: string) => openCheckpoint(note + line, policy);
  const first = await add(witness, 0, 3);
  expect(first.status).toBe(200);
  expect(await opened(await ours.note(3), first.text)).toMatchObject({ size: 3, time: 1_000_000_000 });
  expect((await add(witness, 3, 300)).status).toBe(200);
  now += 10_000;
  const again = await add(witness, 300, 300);
  expect(await opened(await ours.note(300), again.text)).toMatchObject({ size: 300, time: 1_000_000_010 });
  expect(openCheckpoint(await head(witness), policy)).toMatchObject({ size: 300, time: 1_000_000_010 });
});

it('says where it stands when the old size is another, and never goes back', async () => {
  const { witness } = await start();
  await add(witness, 0, 300);
  for (const [from, to] of [
    [0, 300],
    [0, 3],
    [3, 300],
    [3, 5],
    [299, 301],
    [301, 302],
  ] as const) {
    expect(await add(witness, from, to)).toEqual({ status: 409, type: 'text/x.tlog.size', text: '300\n' });
  }
  expect(await head(witness)).toContain('\n300\n');
});

it('refuses a fork, at the same size and at a larger one, and shows both signed notes', async () => {
  const { witness, forks } = await start();
  await add(witness, 0, 5);
  expect((await add(witness, 5, 5, other)).status).toBe(409);
  expect(forks).toHaveLength(2);
  expect(forks[0]!.startsWith(await ours.note(5))).toBe(true);
  expect(forks[1]).toBe(await other.note(5));
  const bad = await add(witness, 5, 9, other);
  expect(bad.status).toBe(422);
  expect(JSON.parse(bad.text)).toMatchObject({ code: 'log.bad_proof', status: 422 });
  expect(await head(witness)).toContain('\n5\n');
});

it('knows only its logs and their keys', async () => {
  const { witness } = await start();
  const elsewhere = await add(witness, 0, 3, ours, await ours.note(3, log, 'other.example/log'));
  expect([elsewhere.status, JSON.parse(elsewhere.text).code]).toEqual([404, 'witness.unknown_log']);
  const forged = await add(witness, 0, 3, ours, await ours.note(3, stranger));
  expect([forged.status, JSON.parse(forged.text).code]).toEqual([403, 'log.bad_signature']);
  expect((await witness.app.request('/head?origin=other')).status).toBe(404);
  expect((await witness.app.request(`/head?origin=${origin}`)).status).toBe(204);
});

it('remembers across a restart what it cosigned', async () => {
  const { witness, path } = await start();
  const line = (await add(witness, 0, 7)).text;
  await witness.close();
  const again = (await start(path)).witness;
  expect(await head(again)).toBe((await ours.note(7)) + line);
  expect((await add(again, 0, 7, other)).text).toBe('7\n');
  expect((await add(again, 7, 8)).status).toBe(200);
});

it('of two requests checked against one size, one advances', async () => {
  const { witness } = await start();
  await add(witness, 0, 5);
  const answers = await Promise.all([add(witness, 5, 6), add(witness, 5, 9), add(witness, 5, 7), add(witness, 5, 300)]);
  expect(answers.filter((a) => a.status === 200)).toHaveLength(1);
  expect(answers.filter((a) => a.status === 409)).toHaveLength(3);
});

it('records before it answers: no cosignature comes out of a store that fails', async () => {
  const signed: string[] = [];
  const witness = createWitness({
    store: {
      head: async () => undefined,
      advance: async () => {
        throw new Error('disk on fire at /dev/sda');
      },
      close: async () => {},
    },
    clock: () => now,
    signer: {
      did: self.did,
      sign: (message) => {
        signed.push('signed');
        return self.sign(message);
      },
    },
    name: 'w1',
    logs: [logKey(origin, log.did)],
  });
  const answer = await add(witness, 0, 3);
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('\u2014');
  expect(answer.text).not.toContain('sda');
  expect(signed).toEqual(['signed']);
});

it('malformed requests get a code and change nothing', async () => {
  const { witness } = await start();
  await add(witness, 0, 5);
  const before = await head(witness);
  const good = formatAddCheckpoint({ oldSize: 5, proof: await ours.proof(5, 9), checkpoint: await ours.note(9) });
  const cut = fc.tuple(fc.nat(good.length), fc.integer({ min: 1, max: 40 }), fc.string({ maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        cut.map(([at, n, put]) => good.slice(0, at) + put + good.slice(at + n)),
      ),
      async (body) => {
        if (body === good) return;
        const answer = await post(witness, body);
        expect([400, 403, 404, 409, 422]).toContain(answer.status);
      },
    ),
    { numRuns: 150 },
  );
  expect((await add(witness, 5, 5, ours, await ours.note(3))).status).toBe(400);
  expect((await post(witness, 'x'.repeat(100_000))).status).toBe(413);
  expect((await witness.app.request('/nothing')).status).toBe(404);
  expect(await head(witness)).toBe(before);
});
