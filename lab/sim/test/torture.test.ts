import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fromBase64url } from '@caponier/crypto';
import { fail, verifyStatement } from '@caponier/protocol';
import { expect, test } from 'vitest';
import { Broken, FailedRound, loadTorture, runTorture, type Torture, tortureNames } from '../src/index.ts';
import { tortureMail } from '../src/tortures/mail-kill.ts';
import { tortureSlot } from '../src/tortures/slot.ts';
import { tortureStatements } from '../src/tortures/statements.ts';
import { tortureStore } from '../src/tortures/store-kill.ts';

const main = fileURLToPath(new URL('../src/torture.ts', import.meta.url));
const torture = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

/** A sample of each with `npm test`; `npm run torture` plays as many rounds as one likes. */
const sampleSeed = 20_260_101;

test.each([
  ['statements', 2],
  ['chain', 3],
  ['slot', 1],
  ['store-kill', 1],
  ['mail-kill', 1],
])('%s: a sample of %i rounds', { timeout: 240_000 }, async (name, rounds) => {
  const found = await loadTorture(name);
  const tried = await runTorture(found!, { seed: sampleSeed, rounds });
  expect(Object.keys(tried).length).toBeGreaterThan(1);
  for (const count of Object.values(tried)) expect(count).toBeGreaterThan(0);
});

test('every torture there is loads under its own name, and no other name does', async () => {
  for (const name of tortureNames()) expect(await loadTorture(name)).toMatchObject({ name });
  for (const name of ['', 'nothing', '../run', 'chain.ts', './chain']) expect(await loadTorture(name)).toBeUndefined();
});

test('the round that breaks names the seed that plays it again', async () => {
  const fragile: Torture = {
    name: 'fragile',
    summary: '',
    rounds: 1,
    round: async (dice) => {
      if (dice.seed === 5) throw new Broken(`threw ${dice.below(1000)}`);
      return { tries: 1 };
    },
  };
  const found = await runTorture(fragile, { seed: 3, rounds: 10 }).catch((error: FailedRound) => error);
  expect(found).toBeInstanceOf(FailedRound);
  expect((found as FailedRound).message).toMatch(
    /^fragile: threw \d+; again: npm run torture -- fragile --n 1 --seed 5$/,
  );
  await expect(runTorture(fragile, { seed: 5, rounds: 1 })).rejects.toThrow((found as FailedRound).message);
  expect(await runTorture(fragile, { seed: 6, rounds: 4 })).toEqual({ tries: 4 });
});

test('statements notices a verifier that does not look at signatures', async () => {
  const careless = tortureStatements((jws) => {
    const [header, payload, signature] = jws.split('.');
    try {
      for (const part of [header, payload, signature]) fromBase64url(part ?? '!');
    } catch {
      throw fail('statement.malformed');
    }
  });
  await expect(runTorture(careless, { seed: 1, rounds: 1 })).rejects.toThrow(/: verified: /);
});

test('slot notices a relay that takes a device’s word for its owner', async () => {
  const trusting = tortureSlot(async (_door, { hello }) => {
    try {
      const { kid, payload } = verifyStatement(hello, 'hello');
      return { did: kid, owner: payload.owner };
    } catch {
      throw fail('relay.bad_hello');
    }
  });
  await expect(runTorture(trusting, { seed: 1, rounds: 1 })).rejects.toThrow(/: let in as did:key:/);
});

test('store-kill notices a writer that acknowledges before the row is durable', async () => {
  const early = tortureStore(fileURLToPath(new URL('early-writer.ts', import.meta.url)));
  await expect(runTorture(early, { seed: 1, rounds: 4 })).rejects.toThrow(/acknowledged rows are lost/);
});

test('mail-kill notices a relay that accepts before the mail is durable', async () => {
  const early = tortureMail(fileURLToPath(new URL('early-relay.ts', import.meta.url)));
  await expect(runTorture(early, { seed: 1, rounds: 2 })).rejects.toThrow(/lost/);
});

test('a bad call is a usage error; help lists the tortures and has an example', () => {
  for (const args of [[], ['chain', '--n', '0'], ['chain', '--x']]) {
    const { status, stdout, stderr } = torture(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  }
  const { status, stdout } = torture('--help');
  expect(status).toBe(0);
  for (const name of tortureNames()) expect(stdout).toContain(`  ${name} `);
  expect(stdout).toMatch(/Example: .*statements/);
}, 120_000);

test('--json prints one object: what was tried from which seed', () => {
  const { status, stdout, stderr } = torture('chain', '--n', '1', '--seed', '7', '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    torture: 'chain',
    seed: 7,
    rounds: 1,
    tried: { 'statements taken': expect.any(Number), 'statements refused': expect.any(Number) },
  });
});
