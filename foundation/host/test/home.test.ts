import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crypto } from '@caponier/crypto';
import { keyOf } from '@caponier/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSigner, type Home, homePath, loadOrCreateKey, openHome, systemRandom } from '../src/index.ts';
import { temporaryFolder } from './helpers.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: Home;
const bytes = (text: string) => new TextEncoder().encode(text);
const mode = (path: string) => statSync(path).mode & 0o777;
const loose = expect.objectContaining({ code: 'host.loose_permissions' });

beforeEach(() => {
  folder = temporaryFolder();
  home = openHome(join(folder.path, 'deep', 'home'));
});
afterEach(() => folder.remove());

describe('openHome', () => {
  it('keeps others out', () => {
    home.write('a', bytes('1'));
    const below = home.folder('relay');
    below.create('b', bytes('2'));
    expect([home.path, home.file('a'), below.path, below.file('b')].map(mode)).toEqual([0o700, 0o600, 0o700, 0o600]);
  });

  it('reads what was written last, and nothing where there is nothing', () => {
    expect(home.read('a')).toBeUndefined();
    home.write('a', bytes('1'));
    home.write('a', bytes('2'));
    expect(home.read('a')).toEqual(bytes('2'));
    expect(home.create('a', bytes('3'))).toBe(false);
    expect(home.read('a')).toEqual(bytes('2'));
    expect(home.list()).toEqual(['a']);
    home.remove('a');
    expect(home.list()).toEqual([]);
  });

  it('leaves no half-written file behind', () => {
    mkdirSync(home.file('folder'));
    writeFileSync(join(home.file('folder'), 'x'), '');
    expect(() => home.write('folder', bytes('1'))).toThrow();
    expect(readdirSync(home.path)).toEqual(['folder']);
  });

  it.each(['..', '.', '', 'a/b', '../a', '.hidden', 'a\\b', 'a\0', 'a'.repeat(200)])('refuses the name %j', (name) => {
    for (const use of [
      () => home.read(name),
      () => home.write(name, bytes('')),
      () => home.folder(name),
      () => home.remove(name),
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: 'host.bad_config' }));
    }
  });

  it('refuses what others can read', () => {
    home.write('key', bytes('1'));
    chmodSync(home.file('key'), 0o640);
    expect(() => home.read('key')).toThrow(loose);
    chmodSync(home.path, 0o750);
    expect(() => openHome(home.path)).toThrow(loose);
  });

  it('refuses a link and a file in the place of the folder', () => {
    symlinkSync(home.path, join(folder.path, 'link'));
    expect(() => openHome(join(folder.path, 'link'))).toThrow(expect.objectContaining({ code: 'host.bad_config' }));
    home.write('file', bytes(''));
    expect(() => home.folder('file')).toThrow();
  });

  it('lies in the user folder unless told otherwise', () => {
    expect(homePath({})).toMatch(/\/\.caponier$/);
    expect(homePath({ CAPONIER_HOME: '/tmp/x' })).toBe('/tmp/x');
  });
});

describe('lock', () => {
  it('is held by one at a time', () => {
    const lock = home.lock('daemon');
    expect(() => home.lock('daemon')).toThrow(expect.objectContaining({ code: 'host.locked' }));
    home.lock('other').release();
    lock.release();
    home.lock('daemon').release();
  });

  it('stays with a process that asks for it again', () => {
    const lock = home.lock('daemon');
    expect(() => home.lock('daemon')).toThrow(expect.objectContaining({ code: 'host.locked' }));
    const source = `import { openHome } from ${JSON.stringify(new URL('../src/home/home.ts', import.meta.url).href)};
      openHome(process.argv[1]).lock('daemon');`;
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', source, home.path], { encoding: 'utf8' });
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('host.locked')]);
    lock.release();
  });

  it('ends with a process that is killed', async () => {
    const source = `import { openHome } from ${JSON.stringify(new URL('../src/home/home.ts', import.meta.url).href)};
      openHome(process.argv[1]).lock('daemon');
      console.log('locked');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source, home.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(() => home.lock('daemon')).toThrow(expect.objectContaining({ code: 'host.locked' }));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    home.lock('daemon').release();
  });
});

describe('keys', () => {
  it('are made once, and stay', async () => {
    const signer = fileSigner(home, 'device.key', systemRandom);
    const again = fileSigner(home, 'device.key', () => expect.unreachable());
    expect(again.did).toBe(signer.did);
    const signature = await again.sign(bytes('message'));
    expect(crypto.ed25519.verify(signature, bytes('message'), keyOf(signer.did, 'ed25519'))).toBe(true);
    expect(mode(home.file('device.key'))).toBe(0o600);
  });

  it('of a wrong length or loose mode are refused', () => {
    home.write('short', new Uint8Array(31));
    expect(() => loadOrCreateKey(home, 'short', systemRandom)).toThrow(
      expect.objectContaining({ code: 'crypto.bad_key_file' }),
    );
    loadOrCreateKey(home, 'loose', systemRandom);
    chmodSync(home.file('loose'), 0o644);
    expect(() => loadOrCreateKey(home, 'loose', systemRandom)).toThrow(loose);
    expect(existsSync(home.file('loose'))).toBe(true);
  });
});
