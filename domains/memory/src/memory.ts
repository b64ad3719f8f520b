import type { Random } from '@caponier/crypto';
import type { Signer } from '@caponier/protocol';
import { workerWire } from '@caponier/protocol';
import { createWorkerLedger } from '@caponier/store';
import { type Operation, startWorker, type Views } from '@caponier/verify';
import type { Hono } from 'hono';
import { useRoute } from './http.ts';
import { curate, get, list, put, search, suggestEntry } from './operations.ts';
import type { MemoryDatabase } from './store/open.ts';

export interface MemoryOptions {
  /**
   * The class this instance serves, with keys and a file of its own. `memory`: what grants allow. `config`: the rules that
   * agents are governed by; they may suggest, and neither read nor write them.
   */
  readonly class: 'memory' | 'config';
  /** From `openMemory`; closed by `close`. */
  readonly db: MemoryDatabase;
  readonly signer: Signer;
  readonly views: Views;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface Memory {
  readonly app: Hono;
  close(): Promise<void>;
}

/** A beginning of `namespace/key`. */
const beginning = /^[a-z0-9][\x21-\x29\x2b-\x7e]{0,191}\*$|^\*$/;

/**
 * What agents and people know, in namespaces, with versions and the provenance of each. Which entries a use may touch is
 * what grant and request say and the verifier checked; here nothing is decided again.
 */
export async function createMemory(options: MemoryOptions): Promise<Memory> {
  const { db, class: of, ...ports } = options;
  const { clock, random } = ports;
  const place = workerWire.memoryPlace;
  const operations: Record<string, Operation> = {
    'memory.put': { resource: place, act: (use) => put(use, of, db, clock()) },
    'memory.get': { resource: place, act: (use) => get(use, of, db) },
    'memory.search': { resource: beginning, act: (use) => search(use, of, db) },
    'memory.list': { resource: beginning, act: (use) => list(use, of, db) },
    'memory.suggest': { resource: place, act: (use) => suggestEntry(use, db, random, clock()) },
    'memory.curate': { resource: place, act: (use) => curate(use, db, clock()) },
  };
  const service = await startWorker({ ...ports, class: of, operations, ledger: createWorkerLedger(db) });
  return {
    app: useRoute(service),
    close: async () => {
      await service.close();
      await db.close();
    },
  };
}
