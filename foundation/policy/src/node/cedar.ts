import { createRequire } from 'node:module';
import type { Cedar, CedarHost } from '../cedar.ts';

const require = createRequire(import.meta.url);
const name = '@cedar-policy/cedar-wasm/nodejs';
let current: Cedar | undefined;

/** Cedar in Node: a CommonJS module, instantiated while it is evaluated, so forgetting it gives a fresh instance (9 ms). */
export const host: CedarHost = {
  load: async () => {
    host.instance();
  },
  instance: () => {
    current ??= require(name) as Cedar;
    return current;
  },
  renew: () => {
    delete require.cache[require.resolve(name)];
    current = undefined;
    return true;
  },
};
