import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@caponier/crypto';
import { workerWire } from '@caponier/protocol';
import { makeUser, seededRandom, type TestUser, testViews, useWorker } from '@caponier/testkit';
import { usePath } from '@caponier/verify';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Classify, createClassify, openClassify, openDetector } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'caponier-classify-'));
let ada: TestUser;
let classify: Classify;

beforeAll(async () => {
  ada = await makeUser('ada', 'classify', ['classify.text']);
  classify = await createClassify({
    db: await openClassify(join(folder, 'classify.db')),
    detector: openDetector(),
    signer: ada.owner.workers.classify,
    views: testViews([ada.owner]),
    random: seededRandom('classify'),
    clock: ada.owner.clock,
  });
});
afterAll(async () => {
  await classify.close();
  rmSync(folder, { recursive: true });
});

const ask = (parameters: { body?: unknown; bytes?: Uint8Array }) =>
  useWorker(classify.app, ada.owner, {
    asker: ada.agent,
    grant: ada.grant,
    class: 'classify',
    op: 'classify.text',
    resource: 'text',
    ...parameters,
  });
const refused = (code: string) => ({ result: 'refused', code, body: null });

describe('classify.text', () => {
  it('says what a text is, and repeats none of it', async () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const answer = await ask({ body: { text: `use ${token} to push` } });
    expect(answer.result).toBe('done');
    expect(workerWire.ClassifyVerdict.parse(answer.body)).toMatchObject({ category: 'credential', tier: 'sensitive' });
    expect(answer.body.findings).toContainEqual({ type: 'credential.github_token', from: 4, to: 4 + token.length });
    expect(answer.text).not.toContain(token);
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes(token), name).toBe(false);
  });

  it('says safe of a plain text, and unknown of what it cannot judge', async () => {
    expect((await ask({ body: { text: 'a plain text' } })).body).toEqual({
      category: 'plain',
      tier: 'safe',
      findings: [],
    });
    expect((await ask({ body: { text: 'a\u0000b' } })).body).toMatchObject({ category: 'unknown', tier: 'sensitive' });
  });

  it('refuses what is too long, and what is no text', async () => {
    expect((await ask({ body: { text: 'a '.repeat(32 * 1024) } })).result).toBe('done');
    expect(await ask({ body: { text: 'a'.repeat(64 * 1024 + 1) } })).toMatchObject(refused('classify.too_large'));
    for (const body of [undefined, null, {}, { text: 1 }, { text: 'a', more: 1 }])
      expect(await ask({ body })).toMatchObject(refused('classify.bad_text'));
  });

  it('gives every body an outcome', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), async (text) => {
        expect(await ask({ bytes: utf8(text) })).toMatchObject(refused('classify.bad_text'));
      }),
      { numRuns: 40 },
    );
  });

  it('takes nothing without a permit', async () => {
    const response = await classify.app.request(usePath, { method: 'POST', body: '{"text":"hello"}' });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});
