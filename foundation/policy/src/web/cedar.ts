import * as module from '@cedar-policy/cedar-wasm/web';
import type { Cedar, CedarHost } from '../cedar.ts';

let loading: Promise<void> | undefined;
let state: 'empty' | 'ready' | 'broken' = 'empty';

/**
 * Cedar in a browser; the page's policy needs `'wasm-unsafe-eval'`. The module keeps its instance to itself, so a trapped
 * one stays broken until the page is loaded again: every evaluation in between is refused. The bounds on policy text are
 * there so that this is never met.
 */
export const host: CedarHost = {
  load: () => {
    loading ??= module.default().then(() => {
      state = 'ready';
    });
    return loading;
  },
  instance: () => {
    if (state !== 'ready') throw new Error(`Cedar is ${state}`);
    return module as unknown as Cedar;
  },
  renew: () => {
    state = 'broken';
    return false;
  },
};
