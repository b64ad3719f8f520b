import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build, type Rolldown } from 'vite';
import { beforeAll, describe, expect, test } from 'vitest';
import { crypto } from '../src/node/index.ts';
import { hex, text } from './backends.ts';

/** The package as a browser gets it: bundled under the `browser` condition. */
let code: string;
let modules: string[];

beforeAll(async () => {
  const result = (await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('..', import.meta.url)),
    build: {
      write: false,
      minify: true,
      lib: { entry: 'src/index.ts', formats: ['iife'], name: 'caponierCrypto', fileName: 'crypto' },
    },
  })) as Rolldown.RolldownOutput[];
  const [chunk] = result[0]!.output;
  code = chunk.code;
  modules = Object.keys(chunk.modules);
}, 60_000);

describe('the browser build', () => {
  test('holds the web backend, and nothing of Node', () => {
    expect(modules.some((id) => id.endsWith('/src/web/index.ts'))).toBe(true);
    expect(modules.filter((id) => /\/src\/node\/|sodium|__vite-browser-external|^node:/.test(id))).toEqual([]);
    expect(code).not.toMatch(/['"`]node:|\bBuffer\b|\brequire\s*\(|\bprocess\./);
  });

  test('runs where there is neither Buffer nor process', () => {
    const context = createContext({ TextEncoder, TextDecoder, Uint8Array });
    const answer = runInContext(
      `${code};
      const { crypto, Secret, utf8, toHex, fromBase64url, toBase64url } = caponierCrypto;
      const pair = crypto.ed25519.keyPair(Secret.from(new Uint8Array(32)));
      const message = utf8('hello');
      const signature = crypto.ed25519.sign(pair.secretKey, message);
      ({
        globals: typeof Buffer + typeof process,
        backend: crypto.backend,
        hash: toHex(crypto.sha256(message)),
        signature: toHex(signature),
        valid: crypto.ed25519.verify(signature, message, pair.publicKey),
        again: toBase64url(fromBase64url('AQID')),
      })`,
      context,
    );
    expect(answer.globals).toBe('undefinedundefined');
    expect(answer.backend).toBe('web');
    expect(answer.hash).toBe(hex(crypto.sha256(text('hello'))));
    expect(answer.valid).toBe(true);
    expect(answer.again).toBe('AQID');
  });
});
