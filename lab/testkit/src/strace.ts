import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from './engine.ts';

/**
 * Durability shown by system calls: a process prints `ACK <n>` for each thing it acknowledges, and the trace of its system
 * calls shows whether an fsync or fdatasync lay between the write of that thing and the acknowledgement. Unlike killing
 * a process, which leaves the kernel's cache alive, this tells what a power cut would.
 */

/** Calls that write to a file or a pipe, and those that make a file durable. */
const traced = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'fsync', 'fdatasync'];

/** Bytes of each write that are kept in the trace: a page of SQLite and its frame, and room for bigger ones. */
const BYTES_SHOWN = 65_536;

/** One system call on a file; `started` and `ended` are lines of the trace, which is in order of time. */
export interface Syscall {
  readonly name: string;
  readonly path: string;
  /** The rest of the arguments, strings quoted and escaped as strace does. */
  readonly rest: string;
  readonly started: number;
  readonly ended: number;
  /** Negative where it failed. */
  readonly result: number;
}

const whole = /^(\d+)\s+(\w+)\(\d+<([^>]*)>(?:\(deleted\))?(.*)\)\s+= (-?\d+)/;
const begun = /^(\d+)\s+(\w+)\(\d+<([^>]*)>(?:\(deleted\))?(.*) <unfinished \.\.\.>$/;
const resumed = /^(\d+)\s+<\.\.\. (\w+) resumed>.*\)\s+= (-?\d+)/;

/** Reads the lines of `strace -f -y`. A call that another thread's line splits in two is put together again. */
export function createTraceReader(): { line(text: string): void; readonly calls: Syscall[] } {
  const calls: Syscall[] = [];
  const open = new Map<string, Omit<Syscall, 'ended' | 'result'>>();
  let at = 0;
  return {
    calls,
    line(text) {
      at++;
      const complete = whole.exec(text);
      if (complete) {
        const [, , name = '', path = '', rest = '', result] = complete;
        calls.push({ name, path, rest, started: at, ended: at, result: Number(result) });
        return;
      }
      const start = begun.exec(text);
      if (start) {
        const [, pid = '', name = '', path = '', rest = ''] = start;
        open.set(pid, { name, path, rest, started: at });
        return;
      }
      const end = resumed.exec(text);
      const first = end && open.get(end[1] ?? '');
      if (end && first && first.name === end[2]) {
        open.delete(end[1] ?? '');
        calls.push({ ...first, ended: at, result: Number(end[3]) });
      }
    },
  };
}

export interface AckRules {
  /** Which files hold what is acknowledged: for SQLite the log, `/-wal$/`. */
  readonly files: RegExp;
  /**
   * Printable ASCII that stands in the data of acknowledgement `n` and nowhere before, short and near its start (a page
   * border must not cut it): then that data is followed. Without it the child does one thing at a time and waits for each,
   * and everything written since the acknowledgement before counts as the data.
   */
  readonly marker?: (n: number) => string;
}

/** An acknowledgement that was not shown to be durable. */
export interface Unproven {
  readonly ack: number;
  readonly reason: 'nothing of it was written before' | 'no sync between write and acknowledgement';
}

/** For each `ACK <n>` that was printed: was its data written, and a sync of the same file begun and ended after that? */
export function checkAcks(
  calls: readonly Syscall[],
  { files, marker }: AckRules,
): { acks: number[]; unproven: Unproven[] } {
  const isSync = ({ name }: Syscall) => name === 'fsync' || name === 'fdatasync';
  const done = calls.filter(({ result }) => result >= 0);
  const writes = done.filter((call) => !isSync(call) && files.test(call.path));
  const syncs = done.filter((call) => isSync(call) && files.test(call.path));
  const printed = done
    .filter((call) => call.name.startsWith('write') && !files.test(call.path))
    .flatMap((call) =>
      [...call.rest.matchAll(/ACK (\d+)\\n/g)].map((match) => ({ n: Number(match[1]), at: call.started })),
    )
    .sort((a, b) => a.at - b.at);

  const unproven: Unproven[] = [];
  let before = 0;
  for (const { n, at } of printed) {
    const mark = marker?.(n);
    const data =
      mark === undefined
        ? writes.filter(({ started }) => started > before && started < at)
        : writes.filter(({ started, rest }) => started < at && rest.includes(mark)).slice(0, 1);
    const durable = data.every((write) =>
      syncs.some((sync) => sync.path === write.path && sync.started > write.ended && sync.ended < at),
    );
    if (data.length === 0) unproven.push({ ack: n, reason: 'nothing of it was written before' });
    else if (!durable) unproven.push({ ack: n, reason: 'no sync between write and acknowledgement' });
    if (at > before) before = at;
  }
  return { acks: printed.map(({ n }) => n), unproven };
}

/** Whether strace is installed and allowed to trace here (a container may forbid it). */
export function straceWorks(): boolean {
  const strace = findProgram('strace');
  return strace !== undefined && spawnSync(strace, ['-o', '/dev/null', 'true']).status === 0;
}

export interface StraceRun extends AckRules {
  /** Program and arguments, such as `[process.execPath, 'child.ts', folder]`. */
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds, default 60,000; then the child is killed and the run fails. */
  readonly timeout?: number;
}

export interface StraceProof {
  /** Numbers acknowledged, in order. */
  readonly acks: number[];
  /** Empty: every acknowledgement came after a sync of what it acknowledges. */
  readonly unproven: Unproven[];
}

/**
 * Runs a command under strace and judges its acknowledgements. Throws where it does not exit with 0.
 *
 * ```ts
 * const proof = await straceAcks({ command: [process.execPath, child, folder], files: /-wal$/ });
 * expect(proof.unproven).toEqual([]);
 * expect(proof.acks).toHaveLength(20);
 * ```
 */
export async function straceAcks({
  command,
  env = process.env,
  timeout = 60_000,
  ...rules
}: StraceRun): Promise<StraceProof> {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-strace-'));
  const trace = join(folder, 'trace');
  try {
    const options = [
      '-f',
      '-y',
      '-e',
      `trace=${traced.join(',')}`,
      '-e',
      'signal=none',
      '-s',
      String(BYTES_SHOWN),
      '-o',
      trace,
    ];
    const child = spawn('strace', [...options, '--', ...command], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4_096);
    });
    child.stdout.resume();
    const status = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    if (status !== 0) throw new Error(`the traced command ended with ${status}: ${errors}`);
    const reader = createTraceReader();
    for await (const line of createInterface({ input: createReadStream(trace, 'latin1') })) reader.line(line);
    return checkAcks(reader.calls, rules);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
