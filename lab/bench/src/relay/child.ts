import { type ChildProcess, fork } from 'node:child_process';

/** A process of the measurement: told what to do, one message at a time, and answering each. */
export interface Child {
  readonly pid: number;
  ask(message: unknown): Promise<unknown>;
  end(): void;
}

/** Flags that the relay is deployed with (`up`, and the units in `deploy/`). */
export const asDeployed = ['--max-semi-space-size=8'] as const;

/** Starts a module of this folder as a process of its own, as relay and clients are on a real machine. */
export function startChild(module: string, execArgv: readonly string[] = []): Child {
  const child: ChildProcess = fork(new URL(module, import.meta.url), {
    // What a measurement must not depend on: the flags of whoever started it.
    execArgv: [...execArgv, ...profiling()],
  });
  const waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = [];
  child.on('message', (answer: { readonly failed?: string; readonly value?: unknown }) => {
    const next = waiting.shift();
    if (answer.failed !== undefined) next?.reject(new Error(`${module}: ${answer.failed}`));
    else next?.resolve(answer.value);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${module} ended with ${code}`));
  });
  return {
    pid: child.pid!,
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${module} has ended`));
        waiting.push({ resolve, reject });
        child.send(message as object);
      }),
    end: () => child.kill(),
  };
}

/** Flags for every process of a measurement, to look into it: `CAPONIER_BENCH_NODE="--cpu-prof"`. */
function profiling(): string[] {
  return (process.env.CAPONIER_BENCH_NODE ?? '').split(' ').filter((flag) => flag !== '');
}

/** The other end: answers each message with what `work` gives. */
export function serveParent(work: (message: never) => Promise<unknown> | unknown): void {
  process.on('message', async (message) => {
    try {
      process.send!({ value: await work(message as never) });
    } catch (error) {
      process.send!({ failed: String((error as Error).stack ?? error) });
    }
  });
  process.on('disconnect', () => process.exit());
  // An orderly end, so that what `exit` handlers clear away (and what a profiler writes) is done.
  process.on('SIGTERM', () => process.exit());
}
