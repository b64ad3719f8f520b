import { parentPort } from 'node:worker_threads';
import { unknown, type Verdict } from '../verdict.ts';
import { inspect } from './inspect.ts';

export interface Ask {
  readonly id: number;
  readonly text: string;
}

export type Told = { readonly ready: true } | { readonly id: number; readonly verdict: Verdict };

/** The thread the detectors run in: their expressions cannot be interrupted, but their thread can be ended. */
const port = parentPort!;
const tell = (told: Told) => port.postMessage(told);

port.on('message', ({ id, text }: Ask) => {
  // Whatever a detector throws may quote the text, so it stays here; what could not be judged is not safe.
  inspect(text)
    .catch(() => unknown)
    .then((verdict) => tell({ id, verdict }));
});
tell({ ready: true });
