import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

it('Node and browsers run the same Cedar, byte for byte', () => {
  const root = dirname(dirname(createRequire(import.meta.url).resolve('@cedar-policy/cedar-wasm/nodejs')));
  const [node, web] = ['nodejs', 'web'].map((build) => readFileSync(join(root, build, 'cedar_wasm_bg.wasm')));
  expect(node?.length).toBeGreaterThan(1_000_000);
  expect(node?.equals(web ?? Buffer.alloc(0))).toBe(true);
});
