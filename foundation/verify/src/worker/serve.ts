import type { Random } from '@caponier/crypto';
import { fail, type Signer } from '@caponier/protocol';
import type { Views } from '../request/context.ts';
import { type CheckedUse, checkUse } from './checked.ts';
import { type Act, performUse, recoverUses } from './perform.ts';
import type { WorkerLedger } from './ports.ts';
import type { Call, Serves } from './under-check.ts';
import { encodeAnswer } from './wire.ts';

/** Uses that one worker has under way at once; above it `worker.busy`, before anything is looked at. */
export const maxUsesUnderWay = 256;
/**
 * Of these, uses of the data of one owner, a quarter: calls that one owner lets take their time leave room for the others.
 * Above it `worker.busy`, once the checks have told whose a use is, and before its intent.
 */
export const maxUsesUnderWayPerOwner = 64;

/** One operation of a worker: the resources it takes, and what it does. */
export interface Operation {
  readonly resource: RegExp;
  readonly act: Act;
}

export interface WorkerOptions {
  readonly class: string;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly signer: Signer;
  readonly views: Views;
  readonly ledger: WorkerLedger;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface WorkerService {
  /**
   * The whole way of one use: form, every check, intent, act, outcome. Takes the bytes of the call and yields those of the
   * answer; throws the code of what refused it, and then nothing was done.
   */
  use(text: Uint8Array, call: Call): Promise<Uint8Array>;
  /** Takes no more and waits for what is under way: an act that was begun gets its outcome. */
  close(): Promise<void>;
}

/** Starts a worker: first what a crash left open becomes `unknown`, then uses are taken. */
export async function startWorker(options: WorkerOptions): Promise<WorkerService> {
  const { operations, signer, views, ledger } = options;
  const forms = Object.entries(operations).map(([op, { resource }]) => [op, resource] as const);
  const me: Serves = { did: signer.did, class: options.class, ops: Object.fromEntries(forms) };
  await recoverUses(options);
  // The check of the operation has passed by then, so there is one.
  const act: Act = (checked) => operationOf(operations, checked).act(checked);
  const underWay = new Set<Promise<unknown>>();
  const byOwner = new Map<string, number>();
  let closed = false;

  const perform = async (text: Uint8Array, call: Call) => {
    const checked = await checkUse(text, call, { me, views, ledger, clock: options.clock });
    const { id } = checked.owner.view;
    const count = byOwner.get(id) ?? 0;
    if (count >= maxUsesUnderWayPerOwner) throw fail('worker.busy', 'of this owner');
    byOwner.set(id, count + 1);
    try {
      return encodeAnswer(await performUse(checked, options, act));
    } finally {
      const left = (byOwner.get(id) ?? 1) - 1;
      if (left > 0) byOwner.set(id, left);
      else byOwner.delete(id);
    }
  };
  return {
    use(text, call) {
      if (closed || underWay.size >= maxUsesUnderWay) return Promise.reject(fail('worker.busy'));
      const answer = perform(text, call);
      const settled = answer.then(
        () => undefined,
        () => undefined,
      );
      underWay.add(settled);
      void settled.then(() => underWay.delete(settled));
      return answer;
    },
    async close() {
      closed = true;
      await Promise.all(underWay);
    },
  };
}

function operationOf(operations: Readonly<Record<string, Operation>>, { request }: CheckedUse): Operation {
  const { op } = request.payload;
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
  if (!operation) throw fail('host.internal', 'no such operation');
  return operation;
}
