import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Secret, toBase64url } from '@caponier/crypto';
import {
  entryOf,
  fail,
  limits,
  maxDataBytes,
  maxMailBytes,
  maxResumeBytes,
  relayFrames,
  relayNumberOf,
  seedSigner,
  sign,
  verdicts,
} from '@caponier/protocol';
import { describe, expect, test } from 'vitest';
import { relayLimitTable } from '../domains/relay/src/limits.ts';
import { relayErrors } from '../foundation/protocol/src/errors/relay.ts';
import {
  blob,
  bytes,
  type Field,
  flag,
  rest,
  statement,
  statements,
  u8,
  u16,
  u32,
  u64,
} from '../foundation/protocol/src/relay-wire/fields.ts';

/** docs/protocol.md is what others implement from: its tables must say what the code does, number by number. */

const page = readFileSync(fileURLToPath(new URL('../docs/protocol.md', import.meta.url)), 'utf8');
const bare = (cell: string) => cell.trim().replace(/^`(.*)`$/, '$1');

/** Cells of the table whose first column has this title. */
function table(title: string): string[][] {
  const lines = page.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  if (at < 0) throw new Error(`no table ${title}`);
  const rows: string[][] = [];
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith('|')) break;
    rows.push(line.slice(1, -1).split('|').map(bare));
  }
  return rows;
}

/** What a field is called in the document, found by what it takes and refuses. */
function nameOf(field: Field<never>): string {
  const known = new Map<unknown, string>([
    [u8, 'u8'],
    [u16, 'u16'],
    [u32, 'u32'],
    [u64, 'u64'],
    [flag, 'flag'],
    [statement, 'statement'],
  ]);
  const simple = known.get(field);
  if (simple) return simple;
  const places = verdicts.map((verdict) => written(field, verdict)?.[0]);
  if (places.every((place, i) => place === i) && written(field, 'pardon') === null) return 'verdict';
  const bounds = [maxResumeBytes, maxDataBytes, maxMailBytes, limits.maxBundleStatements, 16, 32];
  const zeros = (length: number) => new Uint8Array(length);
  const texts = (length: number) => new Array<string>(length).fill('a.b.c');
  const forms = bounds.flatMap((most) => [
    [`bytes ${most}`, bytes(most), most, zeros] as const,
    [`blob ≤${most}`, blob(most), most, zeros] as const,
    [`rest ≤${most}`, rest(most), most, zeros] as const,
    [`statements ≤${most}`, statements(most), most, texts] as const,
  ]);
  const same = forms.filter(
    ([, form, most, value]) =>
      written(field, value(most)) !== null &&
      [most - 1, most, most + 1].every((length) => writesLike(field, form as Field<never>, value(length))),
  );
  if (same.length !== 1) throw new Error(`a field the document has no name for (${same.map(([name]) => name)})`);
  return same[0]![0];
}

const into = Buffer.alloc(1 << 19);

/** What a field writes; null where it refuses. */
function written(field: Field<never>, value: unknown): Buffer | null {
  const { write } = field as unknown as Field<unknown>;
  try {
    return Buffer.from(into.subarray(0, write(value, new DataView(into.buffer, into.byteOffset, into.length), 0)));
  } catch {
    return null;
  }
}

function writesLike(field: Field<never>, other: Field<never>, value: unknown): boolean {
  const [mine, its] = [written(field, value), written(other, value)];
  return mine === null || its === null ? mine === its : mine.equals(its);
}

describe('docs/protocol.md', () => {
  test('has every frame with its number, direction, channel and fields', () => {
    const said = table('Type').map(([number, name, from, , channel, fields]) => ({
      number,
      name,
      from,
      channel,
      fields,
    }));
    const done = Object.entries(relayFrames).map(([name, form]) => ({
      number: `0x${form.code.toString(16).padStart(2, '0')}`,
      name,
      from: form.from,
      channel: form.channel,
      fields: Object.entries(form.fields as Record<string, Field<never>>)
        .map(([field, codec]) => `\`${field}\` ${nameOf(codec)}`)
        .join(', '),
    }));
    expect(said.map((row) => ({ ...row, fields: row.fields?.replace(/^(\w+)` (.*)$/, '`$1` $2') }))).toEqual(done);
  });

  test('explains every frame, and says in which states it may come', () => {
    const prose = page.slice(page.indexOf('## A connection'));
    for (const [, name, , states] of table('Type')) {
      expect(prose, name).toContain(`\`${name}\``);
      expect(states, name).toMatch(/^(new|ready|any|new, ready|ready, guest)$/);
    }
  });

  test('has every limit with its default and its sentence, as the code has them', () => {
    const done = Object.entries(relayLimitTable).map(([name, limit]) => [
      name,
      limit.default.toLocaleString('en-US'),
      limit.doc,
    ]);
    expect(table('Limit')).toEqual(done);
  });

  test('has the fixed bounds', () => {
    const numbers = [limits.maxFrameBytes, limits.maxStatementBytes, limits.maxBundleStatements, limits.maxBundleBytes];
    for (const number of [...numbers, maxResumeBytes, maxDataBytes]) {
      expect(page, String(number)).toContain(number.toLocaleString('en-US'));
    }
  });

  test('has every number with its code, its sentence, and what a client does', () => {
    const said = table('Number').map(([number, code, title, client]) => ({
      number: Number(number),
      code,
      title,
      client,
    }));
    const done = Object.entries(relayErrors)
      .filter(([, entry]) => 'close' in entry)
      .map(([code, { close, title }]) => ({ number: close!, code, title }));
    expect(said.map(({ client: _, ...row }) => row)).toEqual(done.sort((a, b) => a.number - b.number));
    for (const { client, code } of said) expect(client?.length, code).toBeGreaterThan(4);
  });

  test('says what goes out for an error that has no number of its own', () => {
    expect(relayNumberOf(entryOf(fail('host.internal')).code)).toBe(4503);
    expect(page.replace(/\s+/g, ' ')).toContain('A number that a client does not know it treats as 4503.');
  });

  test('shows a hello byte for byte', async () => {
    const line = (name: string) => page.match(new RegExp(`^${name} +(\\S.*)$`, 'm'))![1]!;
    const signer = seedSigner(Secret.from(Uint8Array.from({ length: 32 }, (_, i) => i)));
    const payload = JSON.parse(line('payload'));
    expect(signer.did).toBe(line('key'));
    expect(payload.challenge).toBe(toBase64url(new Uint8Array(32).fill(0xaa)));
    expect(await sign(signer, 'hello', payload)).toBe(line('statement'));
    expect(Buffer.from(line('statement').split('.')[0]!, 'base64url').toString()).toBe(line('header'));
    const members = table('Member').flatMap(([names]) => names!.split(', ').map(bare));
    expect(members.map((name) => name.replaceAll('`', ''))).toEqual(Object.keys(payload));
  });
});
