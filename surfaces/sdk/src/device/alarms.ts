import { toBase64url } from '@caponier/crypto';
import { type ErrorCode, sign } from '@caponier/protocol';
import { jsonBytes, sortable } from '../store/json.ts';
import type { DeviceOptions } from './types.ts';

/** Alarms that are kept. */
const maxAlarms = 100;

/** Signed facts that contradict each other, kept as `alarm` statements: evidence that outlives the connection it came by. */
export class AlarmBook {
  readonly #options: DeviceOptions;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  async raise(code: ErrorCode, facts: readonly string[]): Promise<void> {
    const { store, identity, clock, random, onAlarm, onTrouble } = this.#options;
    onAlarm?.(code, facts);
    onTrouble?.('log', code);
    if (facts.length === 0 || (await store.list('alarm/', { limit: maxAlarms })).length >= maxAlarms) return;
    const alarm = await sign(identity.signer, 'alarm', {
      aud: 'any',
      code,
      facts: [...facts],
      iat: Math.floor(clock() / 1000),
      nonce: toBase64url(random(16)),
    });
    await store.put([[`alarm/${sortable(clock())}`, jsonBytes(alarm)]]);
  }
}
