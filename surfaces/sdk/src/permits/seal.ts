import { CaponierError } from '@caponier/crypto';
import { fail, verifyStatement, workerWire } from '@caponier/protocol';
import { bundleFromMembers, sealTo } from '@caponier/session';
import { call } from '../platform/call.ts';
import type { PerformPorts } from './perform.ts';

/**
 * Seals something to a worker of this class: what decides sees the request's body, and is not to read this.
 * The keys are named by the worker's own key, which the owner's trust names. Throws `mail.bad_prekeys`, `owner.no_service`.
 */
export async function sealToWorker(
  { transport, random, service }: PerformPorts,
  of: string,
  value: Uint8Array,
  context: Uint8Array,
): Promise<Uint8Array> {
  const worker = service('worker', of);
  const { statement: jws } = await call(transport, worker, workerWire.workerKeysPath, workerWire.WorkerKeys);
  try {
    const statement = verifyStatement(jws, 'prekeys');
    if (statement.kid !== worker.key) throw fail('mail.bad_prekeys', 'of another key than the worker');
    const { prekey, kem } = bundleFromMembers(statement.payload);
    return sealTo(value, { boxKey: prekey, kemKey: kem, context, random });
  } catch (error) {
    if (error instanceof CaponierError && error.code === 'mail.bad_prekeys') throw error;
    throw fail('mail.bad_prekeys', 'keys of the worker', error);
  }
}
