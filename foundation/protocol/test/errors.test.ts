import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { entryOf, errorCatalogue, fail } from '../src/index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((e) => e.isFile() && /\.tsx?$/.test(e.name)).map((e) => join(e.parentPath, e.name));
}

test('every code is `domain.reason`, with a status, a title and a hint for a person', () => {
  for (const [code, entry] of Object.entries(errorCatalogue)) {
    expect(code).toMatch(/^[a-z]+\.[a-z_]+$/);
    expect(entry.status, code).toBeGreaterThanOrEqual(200);
    expect(entry.title, code).toMatch(/^[A-Z].*\.$/);
    expect(entry.hint, code).toMatch(/^.{10,160}\.$/);
  }
});

test('WebSocket close codes are in the private range or 1008, and each is used for what it says', () => {
  for (const [code, { close }] of Object.entries(errorCatalogue)) {
    if (close !== undefined) expect(close === 1008 || (close >= 4400 && close < 5000), code).toBe(true);
  }
});

test('no two files of the catalogue define the same code', async () => {
  const folder = join(root, 'foundation/protocol/src/errors');
  const seen = new Map<string, string>();
  for (const file of await sources(folder)) {
    for (const [, code] of (await readFile(file, 'utf8')).matchAll(/^\s+'([a-z]+\.[a-z_]+)': \{/gm)) {
      expect(seen.get(code!), `${code} in ${file}`).toBeUndefined();
      seen.set(code!, file);
    }
  }
  expect(seen.size).toBe(Object.keys(errorCatalogue).length);
});

test('what has no code of ours is shown as internal, without its message', () => {
  const entry = entryOf(new Error('password=hunter2'));
  expect(entry.code).toBe('host.internal');
  expect(JSON.stringify(entry)).not.toContain('hunter2');
  expect(entryOf(fail('permit.expired', 'internal detail'))).toMatchObject({ code: 'permit.expired', status: 403 });
  expect(entryOf({ code: 'permit.expired' }).code).toBe('host.internal');
});
