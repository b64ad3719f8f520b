import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, renameSync } from 'node:fs';
import { type Home, systemClock } from '@caponier/host/home';
import { codeCacheEnv } from '../code-cache.ts';
import type { ProcessState } from './processes.ts';

/** Milliseconds before a process that ended is started again: first, longest; doubled in between. */
const restartMs = { first: 250, longest: 15_000 } as const;
/** Milliseconds after which a process counts as settled, so that its next end begins with the first pause again. */
const settledMs = 30_000;
/** Bytes of a log file above which it is set aside, once: the one before that is dropped. */
const maxLogBytes = 16 * 1024 * 1024;

/** Opens a log file of this home for appending. */
export function openLog(home: Home, name: string): number {
  const path = home.folder('logs').file(`${name}.log`);
  const file = openSync(path, 'a', 0o600);
  if (fstatSync(file).size <= maxLogBytes) return file;
  closeSync(file);
  renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/**
 * MiB of the half of the heap where objects are young. Node takes up to 64 on a large machine, in each of ten processes, and
 * keeps it: for a relay that is 9 KiB for each of 15,000 idle connections.
 */
const youngMiB = 8;

/** This program again, with other arguments. */
export function ownCommand(args: readonly string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [`--max-semi-space-size=${youngMiB}`, process.argv[1]!, ...args] };
}

export interface ChildOptions {
  readonly home: Home;
  readonly name: string;
  /** Arguments of this program. */
  readonly args: readonly string[];
  /** Milliseconds that it has to end by itself. */
  readonly endMs: number;
  readonly changed: () => void;
}

/** One process that is kept running until it is stopped. */
export class Child {
  readonly #options: ChildOptions;
  #process: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pause: number = restartMs.first;
  #state: ProcessState;
  #stopping = false;
  #ended: () => void = () => {};

  constructor(options: ChildOptions) {
    this.#options = options;
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
    const log = openLog(home, name);
    const { command, args } = ownCommand(this.#options.args);
    const child = spawn(command, args, {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...codeCacheEnv(), CAPONIER_HOME: home.path },
    });
    closeSync(log);
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
    if (!child) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.endMs);
    await ended;
    clearTimeout(timer);
  }
}
