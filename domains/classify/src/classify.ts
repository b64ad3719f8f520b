import type { Random } from '@caponier/crypto';
import { fromUtf8, utf8 } from '@caponier/crypto';
import { fail, type Signer, workerWire } from '@caponier/protocol';
import { createWorkerLedger } from '@caponier/store';
import { type CheckedUse, type Operation, startWorker, type Views } from '@caponier/verify';
import type { Hono } from 'hono';
import type { Detector } from './detect/detector.ts';
import { useRoute } from './http.ts';
import type { ClassifyDatabase } from './store/open.ts';

export interface ClassifyOptions {
  /** From `openClassify`; closed by `close`. */
  readonly db: ClassifyDatabase;
  /** From `openDetector`; closed by `close`. */
  readonly detector: Detector;
  readonly signer: Signer;
  readonly views: Views;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Classify {
  readonly app: Hono;
  close(): Promise<void>;
}

/** The class this worker serves. */
export const classifyClass = 'classify';

/**
 * Says what a text is: its category, its tier, and where what was found. What it cannot judge is sensitive. It keeps no
 * text and repeats none.
 */
export async function createClassify({ db, detector, ...ports }: ClassifyOptions): Promise<Classify> {
  const operations: Record<string, Operation> = {
    'classify.text': { resource: /^[\x21-\x7e]{1,256}$/, act: (use) => classifyText(use, detector) },
  };
  const service = await startWorker({ ...ports, class: classifyClass, operations, ledger: createWorkerLedger(db) });
  return {
    app: useRoute(service),
    close: async () => {
      await service.close();
      await detector.close();
      await db.close();
    },
  };
}

async function classifyText({ body }: CheckedUse, detector: Detector): Promise<Uint8Array> {
  const { category, tier, findings } = await detector.inspect(textOf(body));
  const verdict: workerWire.ClassifyVerdict = { category, tier, findings: [...findings] };
  return utf8(JSON.stringify(verdict));
}

function textOf(body: Uint8Array | null): string {
  let value: unknown;
  try {
    value = body && JSON.parse(fromUtf8(body));
  } catch {
    throw fail('classify.bad_text', 'not JSON');
  }
  const form = workerWire.ClassifyText.safeParse(value);
  if (form.success) return form.data.text;
  throw fail(isTooLong(value) ? 'classify.too_large' : 'classify.bad_text');
}

function isTooLong(value: unknown): boolean {
  const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined;
  return typeof text === 'string' && text.length > workerWire.maxClassifyText;
}
