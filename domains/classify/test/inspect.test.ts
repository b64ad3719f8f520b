import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspect } from '../src/detect/inspect.ts';
import { categories, MAX_FINDINGS } from '../src/verdict.ts';

const jwtPart = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = `${jwtPart({ alg: 'HS256', typ: 'JWT' })}.${jwtPart({ sub: 'a' })}.${randomBytes(32).toString('base64url')}`;
const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), randomBytes(32)]).toString(
  'base64',
);

describe('a sensitive text', () => {
  it.each([
    ['credential', 'credential.github_token', `token ghp_${'a1B2'.repeat(9)}`],
    ['credential', 'credential.private_key', `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`],
    ['credential', 'credential.private_key', `the key is ${pkcs8}`],
    ['credential', 'credential.private_key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['credential', 'credential.aws_access_key_id', 'use AKIAQWERTZUIOPASDFGH for it'],
    ['credential', 'credential.jwt', `cookie: session=${jwt}`],
    ['credential', 'credential.assignment', 'DB_PASSWORD="correct-horse"'],
    ['credential', 'credential.authorization', 'curl -H "Authorization: Bearer abcdefgh" x'],
    ['contact', 'contact.email', 'write to jane.doe@example.com please'],
    ['contact', 'contact.phone', 'call +44 7700 900123 tomorrow'],
    ['contact', 'contact.phone_us', 'call me at (555) 123-4567'],
    ['financial', 'financial.credit_card', 'card 4111 1111 1111 1111'],
    ['financial', 'financial.iban', 'to DE89370400440532013000'],
    ['identity', 'identity.ssn', 'SSN 078-05-1120'],
    ['identity', 'identity.name', 'we met Anna Meier yesterday'],
    ['identity', 'identity.date_of_birth', 'DOB: 12/03/1985'],
    ['health', 'health.patient_id', 'Patient ID: 12345678'],
    ['health', 'health.condition', 'she was diagnosed with asthma'],
    ['unknown', 'unknown.opaque', 'see 3f786850e387550fdab836ed7e6dc881de23001b'],
    ['unknown', 'unknown.script', 'пароль на столе'],
    ['unknown', 'unknown.not_text', 'a\u0000b'],
  ])('is %s: %s', async (category, type, text) => {
    const verdict = await inspect(text);
    expect(verdict.findings.map((finding) => finding.type)).toContain(type);
    expect(verdict.category).toBe(category);
    expect(verdict.tier).toBe('sensitive');
  });

  it('cannot hide its secret behind a directive', async () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const { findings } = await inspect(`/* secretlint-disable */ ${token} // secretlint-disable-line`);
    expect(findings.map(({ type }) => type)).toContain('credential.github_token');
  });
});

describe('a safe text', () => {
  it.each([
    'The quick brown fox jumps over the lazy dog.',
    'Deploy on Friday at 10:30 and run the tests with npm test.',
    'Add a retry to the client in src/net/client.ts, 3 attempts, 200 ms apart. Closes #412.',
    'const answer = await fetch(url, { method: "POST" });',
    'Grüße aus Köln, das Café hat geöffnet.',
  ])('%s', async (text) => {
    expect(await inspect(text)).toEqual({ category: 'plain', tier: 'safe', findings: [] });
  });
});

describe('a verdict', () => {
  it('says where, and holds no text', async () => {
    const before = 'mail '.repeat(2_000);
    const email = 'jane.doe@example.com';
    const verdict = await inspect(before + email);
    expect(verdict.findings).toContainEqual({
      type: 'contact.email',
      from: before.length,
      to: before.length + email.length,
    });
    expect(JSON.stringify(verdict)).not.toContain('jane');
  });

  it('leaves no trace in the performance buffer', async () => {
    await inspect(`password = ${randomBytes(8).toString('hex')}`);
    expect(performance.getEntriesByType('mark')).toEqual([]);
    expect(performance.getEntriesByType('measure')).toEqual([]);
  });

  it('is bounded and well formed for any text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 })),
        async (text) => {
          const { category, tier, findings } = await inspect(text);
          expect(categories).toContain(category);
          expect(tier === 'safe').toBe(category === 'plain');
          expect(tier === 'safe').toBe(findings.length === 0);
          for (const { from, to } of findings) {
            expect(from).toBeGreaterThanOrEqual(0);
            expect(to).toBeLessThanOrEqual(text.length);
            expect(to).toBeGreaterThan(from);
          }
        },
      ),
      { numRuns: 150 },
    );
    const many = await inspect('a@example.com '.repeat(1_000));
    expect(many.findings.length).toBe(MAX_FINDINGS);
  });
});
