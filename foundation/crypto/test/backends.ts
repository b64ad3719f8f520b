import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { CaponierError, type Crypto } from '../src/index.ts';
import { detectNodeParts, nodeCrypto } from '../src/node/index.ts';
import { crypto as web } from '../src/web/index.ts';

const parts = detectNodeParts();

/** Every way the interface is provided. The first two differ in Ed25519, X25519 and ChaCha20-Poly1305. */
export const backends: readonly (readonly [name: string, crypto: Crypto])[] = [
  ...(parts.sodium ? [['node, libsodium', nodeCrypto(parts)] as const] : []),
  ['node, OpenSSL alone', nodeCrypto({ ...parts, sodium: undefined })],
  ['web', web],
];

export const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
export const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
export const text = (value: string) => new TextEncoder().encode(value);

export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../spec/vectors/${name}.json`, import.meta.url), 'utf8'));
}

/** Passes only when `act` throws the coded error. */
export function expectCode(code: string, act: () => unknown): void {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CaponierError);
  expect((thrown as CaponierError).code).toBe(code);
}

export async function expectCodeAsync(code: string, act: Promise<unknown>): Promise<void> {
  const thrown = await act.then(
    () => undefined,
    (error: unknown) => error,
  );
  expectCode(code, () => {
    throw thrown;
  });
}
