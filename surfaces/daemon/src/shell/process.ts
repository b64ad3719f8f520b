import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import pty from '@lydell/node-pty';
import type { ShellExit, ShellStart } from './frames.ts';

/** A process on this machine that a shell is: with a terminal, or with plain pipes. */
export interface ShellProcess {
  /** Chunks as they come; the next is read when the last is done with, so a slow reader holds the process back. */
  readonly output: AsyncIterable<{ readonly type: 'output' | 'errors'; readonly bytes: Uint8Array }>;
  readonly exit: Promise<ShellExit>;
  write(bytes: Uint8Array): void;
  endInput(): void;
  resize(columns: number, rows: number): void;
  /** As a terminal that is hung up. */
  hangUp(): void;
}

export interface SpawnOptions extends ShellStart {
  /** The login shell of the user whose machine this is. */
  readonly shell: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export type SpawnShell = (options: SpawnOptions) => ShellProcess;

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Bytes of output that may wait here before the terminal is paused. */
const maxBacklog = 256 * 1024;

export const spawnShell: SpawnShell = (options) => (options.terminal ? inTerminal(options) : inPipes(options));

function inTerminal({ shell, cwd, env, command, terminal }: SpawnOptions): ShellProcess {
  const args = command === null ? ['-l'] : ['-c', command];
  const child = pty.spawn(shell, args, {
    cwd,
    env: { ...env, TERM: terminal!.term },
    cols: terminal!.columns,
    rows: terminal!.rows,
    // Bytes, not text: a chunk may end inside a character.
    encoding: null,
  });
  const chunks = new Backlog(
    () => child.pause(),
    () => child.resume(),
  );
  child.onData((data) => chunks.push(data as unknown as Uint8Array));
  const exit = new Promise<ShellExit>((resolve) => {
    child.onExit(({ exitCode, signal }) => {
      chunks.end();
      resolve({ code: exitCode & 255, signal: signal ? (signalNames.get(signal) ?? null) : null });
    });
  });
  return {
    output: chunks.read(),
    exit,
    // Typed as text, but bytes go through as they are; decoding them here would break characters apart.
    write: (bytes) => child.write(Buffer.from(bytes) as unknown as string),
    // End of input in a terminal is a character, as if typed at the start of a line.
    endInput: () => child.write('\u0004'),
    resize: (columns, rows) => child.resize(columns, rows),
    hangUp: () => quietly(() => child.kill('SIGHUP')),
  };
}

/** Output between a terminal that pushes and a channel that pulls: bounded by pausing the terminal. */
class Backlog {
  readonly #pause: () => void;
  readonly #resume: () => void;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(pause: () => void, resume: () => void) {
    this.#pause = pause;
    this.#resume = resume;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > maxBacklog) this.#pause();
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<{ type: 'output'; bytes: Uint8Array }> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        const over = this.#bytes > maxBacklog;
        this.#bytes -= chunk.length;
        yield { type: 'output', bytes: chunk };
        if (over && this.#bytes <= maxBacklog && !this.#ended) this.#resume();
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

function inPipes({ shell, cwd, env, command }: SpawnOptions): ShellProcess {
  const child = spawn(shell, command === null ? ['-l'] : ['-c', command], {
    cwd,
    env: { ...env },
    stdio: 'pipe',
    // A group of its own, so that hanging up reaches what the command started, too.
    detached: true,
  });
  child.stdin.on('error', () => {});
  const exit = new Promise<ShellExit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code: code ?? 128 + (constants.signals[signal!] ?? 0), signal }));
  });
  return {
    output: merge(child.stdout, child.stderr),
    exit,
    write: (bytes) => child.stdin.write(bytes),
    endInput: () => child.stdin.end(),
    resize: () => {},
    hangUp: () => quietly(() => process.kill(-child.pid!, 'SIGHUP')),
  };
}

/** Both streams in the order in which they are read; each waits for its own reader. */
async function* merge(
  stdout: AsyncIterable<Uint8Array>,
  stderr: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ type: 'output' | 'errors'; bytes: Uint8Array }> {
  const sources = [
    { type: 'output' as const, from: stdout[Symbol.asyncIterator]() },
    { type: 'errors' as const, from: stderr[Symbol.asyncIterator]() },
  ];
  const next = (source: (typeof sources)[number]) => source.from.next().then((result) => ({ source, result }));
  const pending = new Map(sources.map((source) => [source, next(source)]));
  while (pending.size > 0) {
    const { source, result } = await Promise.race(pending.values());
    if (result.done) {
      pending.delete(source);
      continue;
    }
    yield { type: source.type, bytes: result.value };
    pending.set(source, next(source));
  }
}

/** What is gone already needs no signal. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {}
}
