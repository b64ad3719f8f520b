import { type ChildProcess, spawn } from 'node:child_process';
import { type Home, systemClock } from '@caponier/host/home';
import { codeCacheEnv } from '../code-cache.ts';
import { LogFile } from './log-file.ts';
import type { ProcessState } from './processes.ts';

/** Milliseconds before a process that ended is started again: first, longest; doubled in between. */
const restartMs = { first: 250, longest: 15_000 } as const;
/** Milliseconds after which a process counts as settled, so that its next end begins with the first pause again. */
const settledMs = 30_000;
/** Milliseconds for the last lines of a process that has ended, where one that it started holds its end of them open. */
const lastLinesMs = 1_000;

/**
 * MiB of the half of the heap where objects are young. Node takes up to 64 on a large machine, in each of ten processes, and
 * keeps it: for a relay that is 9 KiB for each of 15,000 idle connections.
 */
const youngMiB = 8;

/** This program again, with other arguments. */
export function ownCommand(args: readonly string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [`--max-semi-space-size=${youngMiB}`, process.argv[1]!, ...args] };
}

/** Until everything was read that a process wrote, which may be after its end. */
function lastLinesOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => setTimeout(resolve, lastLinesMs).unref());
    child.once('close', () => resolve());
  });
}

export interface ChildOptions {
  readonly home: Home;
  readonly name: string;
  /** Arguments of this program. */
  readonly args: readonly string[];
  /** Milliseconds that it has to end by itself. */
  readonly endMs: number;
  readonly changed: () => void;
  /** Where its lines go: a file of the home that stays within its bound (default), or the standard error of this process. */
  readonly log?: 'file' | 'stderr';
}

/** One process that is kept running until it is stopped. */
export class Child {
  readonly #options: ChildOptions;
  readonly #log: LogFile | null;
  #process: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pause: number = restartMs.first;
  #state: ProcessState;
  #stopping = false;
  #ended: () => void = () => {};

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#log = options.log === 'stderr' ? null : new LogFile(options.home, options.name);
    this.#state = { name: options.name, state: 'starting', pid: null, url: null, restarts: 0, since: systemClock() };
    this.#start();
  }

  get state(): ProcessState {
    return this.#state;
  }

  #set(change: Partial<ProcessState>): void {
    this.#state = { ...this.#state, ...change, since: systemClock() };
    this.#options.changed();
  }

  #start(): void {
    const { home, name } = this.#options;
    const to = this.#log ? 'pipe' : 2;
    const { command, args } = ownCommand(this.#options.args);
    const child = spawn(command, args, {
      stdio: ['ignore', to, to, 'ipc'],
      env: { ...process.env, ...codeCacheEnv(), CAPONIER_HOME: home.path },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Uint8Array) => this.#log?.write(bytes));
      stream?.on('error', () => undefined);
    }
    this.#process = child;
    const begin = systemClock();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      this.#end(systemClock() - begin > settledMs);
    };
    child.on('message', (message: { ready?: unknown; url?: unknown }) => {
      if (message.ready === name) {
        this.#set({ state: 'ready', url: typeof message.url === 'string' ? message.url : null });
      }
    });
    child.once('error', end);
    child.once('exit', end);
    this.#set({ state: 'starting', pid: child.pid ?? null });
  }

  #end(settled: boolean): void {
    this.#process = null;
    if (this.#stopping) {
      this.#set({ state: 'stopped', pid: null });
      this.#ended();
      return;
    }
    if (settled) this.#pause = restartMs.first;
    this.#set({ state: 'waiting', pid: null, restarts: this.#state.restarts + 1 });
    this.#timer = setTimeout(() => this.#start(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, restartMs.longest);
  }

  /** Asks it to end, and ends it where it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer) clearTimeout(this.#timer);
    const child = this.#process;
    if (!child) return this.#log?.close();
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    const lastLines = lastLinesOf(child);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.endMs);
    await ended;
    clearTimeout(timer);
    await lastLines;
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    this.#log?.close();
  }
}
