import { type ChildProcess, fork } from 'node:child_process';

/** A process of the measurement: told what to do, one message at a time, and answering each. */
export interface Child {
  ask(message: unknown): Promise<unknown>;
  end(): void;
}

/** Starts a module of this folder as a process of its own, as relay and clients are on a real machine. */
export function startChild(module: string, execArgv: readonly string[] = []): Child {
  const child: ChildProcess = fork(new URL(module, import.meta.url), { execArgv: [...execArgv] });
  const waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = [];
  child.on('message', (answer) => waiting.shift()?.resolve(answer));
  child.on('exit', (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${module} ended with ${code}`));
  });
  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.send(message as object);
      }),
    end: () => child.kill(),
  };
}

/** The other end: answers each message with what `work` gives. */
export function serveParent(work: (message: never) => Promise<unknown> | unknown): void {
  process.on('message', async (message) => {
    process.send!((await work(message as never)) as object);
  });
  process.on('disconnect', () => process.exit());
}
