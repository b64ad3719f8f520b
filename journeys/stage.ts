import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** Milliseconds that one command of a journey may take before the journey has failed. */
const commandTimeout = 45_000;

/** How to start the command line: from source here, the installed binary where packed packages are tried. */
export const fromSource: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../surfaces/cli/src/bin.ts', import.meta.url)),
];

/** Compiled code of a run from source, kept between runs: a hundred commands start from the same few hundred files. */
const codeCache = fileURLToPath(new URL('../node_modules/.cache/caponier', import.meta.url));

/** A command that runs: its lines can be waited for, and answers typed. */
export class Running {
  readonly #child: ChildProcess;
  readonly #name: string;
  #output = '';
  #errors = '';
  #wake: (() => void)[] = [];
  readonly exit: Promise<number>;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    const note = () => {
      for (const wake of this.#wake.splice(0)) wake();
    };
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += stripVTControlCharacters(text);
      note();
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += stripVTControlCharacters(text);
      note();
    });
    this.exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve(code ?? (signal ? 128 : 1));
        note();
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  type(text: string): void {
    this.#child.stdin!.write(text);
  }

  endInput(text = ''): void {
    this.#child.stdin!.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the output has something of this form; yields its first group, or the whole match. */
  async until(pattern: RegExp, timeout = commandTimeout): Promise<string> {
    const end = Date.now() + timeout;
    let exited = false;
    void this.exit.then(() => {
      exited = true;
    });
    for (;;) {
      const match = pattern.exec(this.#output) ?? pattern.exec(this.#errors);
      if (match) return match[1] ?? match[0];
      const left = end - Date.now();
      if (exited || left <= 0) throw new Error(`${this.#name}: no ${pattern} in\n${this.#output}${this.#errors}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 250));
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

export interface Finished {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** One person's machine: a home of its own, with nothing shared but the network. */
export class Machine {
  readonly name: string;
  readonly home: string;
  readonly #binary: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, home: string, binary: readonly string[]) {
    this.name = name;
    this.home = home;
    this.#binary = binary;
    this.#env = { NODE_COMPILE_CACHE: codeCache, ...process.env, CAPONIER_HOME: home, NO_COLOR: '1' };
    mkdirSync(home, { recursive: true, mode: 0o700 });
  }

  /** Starts `caponier <args>`; for commands that print, ask and go on. */
  start(...args: string[]): Running {
    const [command, ...first] = this.#binary;
    const child = spawn(command!, [...first, ...args], {
      env: this.#env,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: this.home,
    });
    return new Running(`${this.name}: caponier ${args.join(' ')}`, child);
  }

  /** Runs `caponier <args>` to its end, whatever the end is. */
  async finish(args: readonly string[], input = ''): Promise<Finished> {
    const running = this.start(...args);
    running.endInput(input);
    const timer = setTimeout(() => running.kill('SIGKILL'), commandTimeout);
    const code = await running.exit;
    clearTimeout(timer);
    return { code, output: running.output, errors: running.errors };
  }

  /** Runs `caponier <args>`, which must succeed; yields what it printed. */
  async run(...args: string[]): Promise<string> {
    return this.#expectSuccess(args, await this.finish(args));
  }

  /** The same with something typed. */
  async runWith(input: string, ...args: string[]): Promise<string> {
    return this.#expectSuccess(args, await this.finish(args, input));
  }

  /** Runs `caponier <args> --json` and yields the document. */
  async ask<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    return JSON.parse(await this.run(...args, '--json')) as T;
  }

  #expectSuccess(args: readonly string[], { code, output, errors }: Finished): string {
    if (code !== 0) throw new Error(`${this.name}: caponier ${args.join(' ')} ended with ${code}\n${output}${errors}`);
    return output;
  }
}

/** The machines of a run, and where its lines go. Everything lives below one temporary folder that goes with it. */
export class Stage {
  readonly folder: string;
  readonly #binary: readonly string[];
  readonly #say: (line: string) => void;
  readonly #machines = new Map<string, Machine>();

  constructor(say: (line: string) => void = () => {}, binary: readonly string[] = fromSource) {
    this.folder = mkdtempSync(join(tmpdir(), 'caponier-'));
    this.#say = say;
    this.#binary = binary;
  }

  /** The machine of that name; made when first named. */
  machine(name: string): Machine {
    let machine = this.#machines.get(name);
    if (!machine) {
      machine = new Machine(name, join(this.folder, name), this.#binary);
      this.#machines.set(name, machine);
    }
    return machine;
  }

  say(line: string): void {
    this.#say(line);
  }

  /** Stops what runs in every home and removes them. */
  async close(): Promise<void> {
    await Promise.all([...this.#machines.values()].map((machine) => machine.finish(['down'])));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `--allow-root` where the journeys run as root, as they do in a container; a person's machine never needs it. */
export const rootFlag: readonly string[] = process.getuid?.() === 0 ? ['--allow-root'] : [];

/** A journey checks what it tells. */
export function expect(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`not so: ${what}`);
}
