import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { duration, wholeNumber } from '../src/flags.ts';
import { defaultDeviceName, nameOf } from '../src/home/device-name.ts';
import { codeOf } from '../src/joining/code.ts';
import { encodeDeployment, parseDeployment } from '../src/services/deployment.ts';
import { hangUpFilter } from '../src/shell/hang-up.ts';
import { createOutput } from '../src/terminal/output.ts';
import { choosePorts } from '../src/up/ports.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

describe('the way out of a shell', () => {
  test('is ~. at the start of a line, and nowhere else', () => {
    for (const typed of ['~.', 'ls\r~.', 'a\n~.']) expect(hangUpFilter()(bytes(typed)).hangUp).toBe(true);
    for (const typed of ['a~.', '~a.', 'x.~', '~\r.', '~~.']) expect(hangUpFilter()(bytes(typed)).hangUp).toBe(false);
  });

  test('loses nothing of what is typed, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('~', '.', '\r', 'a', 'b'), { maxLength: 30 }), (keys) => {
        const filter = hangUpFilter();
        let passed = '';
        for (const [i, key] of keys.entries()) {
          const { pass, hangUp } = filter(bytes(key));
          passed += text(pass);
          if (!hangUp) continue;
          expect(keys.slice(0, i + 1).join('')).toBe(`${passed}~.`);
          return;
        }
        expect([passed, `${passed}~`]).toContain(keys.join(''));
      }),
    );
  });
});

describe('what a peer wrote', () => {
  test('cannot move the cursor or turn the text, in any cell', () => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((line) => Boolean(lines.push(String(line))));
    createOutput(false).table([
      ['name', '\x1b[2J\x1b]0;owned\x07'],
      ['\u202etxt.exe', 'next\r\nfaked line'],
    ]);
    write.mockRestore();
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(lines[0]).toContain('<U+001B>[2J');
  });
});

describe('flag values', () => {
  test('whole numbers are whole and in range', () => {
    expect(wholeNumber('7', '--n', 1, 10)).toBe(7);
    expect(wholeNumber(undefined, '--n', 1, 10)).toBeUndefined();
    for (const bad of ['0', '11', '1.5', '1e1', '-1', ' 1', '0x1', '', 'NaN'])
      expect(() => wholeNumber(bad, '--n', 1, 10), bad).toThrow(/cli.usage/);
  });

  test('durations have a unit', () => {
    expect(duration('90d', '--x')).toBe(90 * 86_400);
    for (const bad of ['90', 'd', '0h', '1w', '1.5h']) expect(() => duration(bad, '--x'), bad).toThrow(/cli.usage/);
  });

  test('names are of the form that statements take', () => {
    for (const bad of ['', 'A', 'a b', '-a', 'a'.repeat(33), 'ä'])
      expect(() => nameOf(bad, '--name')).toThrow(/cli.usage/);
    fc.assert(
      fc.property(fc.string(), (folder) => {
        expect(() => nameOf(defaultDeviceName({ CAPONIER_HOME: `/x/${folder}/y` }), '--name')).not.toThrow();
      }),
    );
    expect(defaultDeviceName({ CAPONIER_HOME: '/homes/Work Laptop' })).toBe('work-laptop');
  });

  test('what is no code is refused without an exception of anybody else', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 13 }), (args) => {
        expect(() => codeOf(args, {})).toThrow(/code\.|cli\.usage/);
      }),
    );
  });
});

describe('a deployment', () => {
  const good = {
    origin: 'caponier.local/x',
    host: '127.0.0.1',
    tls: false,
    operators: [],
    admission: 'open',
    witnesses: [],
    k: 1,
    services: [
      {
        role: 'worker',
        class: 'secret',
        key: `did:key:z6Mk${'a'.repeat(44)}`,
        url: 'http://127.0.0.1:7000',
        pin: null,
        custody: 'same-user',
      },
    ],
  };

  test('that parses is written back as it was', () => {
    const encoded = encodeDeployment(good as never);
    expect(encodeDeployment(parseDeployment(encoded))).toBe(encoded);
  });

  test('that is anything else says where it is wrong', () => {
    expect(() => parseDeployment('{')).toThrow(/host.bad_config: deployment.json is not JSON/);
    expect(() => parseDeployment('[]')).toThrow(/host.bad_config: deployment.json: not an object/);
    for (const [name, value] of Object.entries({ k: 0, host: '', extra: 1, services: [{}], admission: 'all' }))
      expect(() => parseDeployment(JSON.stringify({ ...good, [name]: value })), name).toThrow(/host.bad_config/);
  });
});

test('ports are free, and no two are the same', async () => {
  const ports = await choosePorts('127.0.0.1', 9, null);
  expect(new Set(ports).size).toBe(9);
  const [taken] = ports;
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
  await expect(choosePorts('127.0.0.1', 1, taken!)).rejects.toThrow(/host.bad_config: .*in use/);
  await new Promise((resolve) => server.close(resolve));
});
