import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Home } from '@caponier/host/home';
import { fail } from '@caponier/protocol';
import { ownCommand } from './child.ts';
import { openLog } from './log-file.ts';
import { type Processes, type ProcessState, readProcesses, supervisorRuns, until } from './processes.ts';

/** Milliseconds for one process to come up, on a machine that has a lot to do. */
const startMs = 60_000;
/** Milliseconds for a supervisor to end when all that it looks after has. */
const stopMs = 8_000;
/** Starts of one process after which waiting for it makes no sense. */
const maxStarts = 3;

/** Starts the supervisor of this home, detached: it stays when we end. Does nothing where one runs. */
export function startSupervisor(home: Home, { allowRoot }: { readonly allowRoot: boolean }): void {
  if (supervisorRuns(home)) return;
  const log = openLog(home, 'supervisor');
  const { command, args } = ownCommand(['supervise', ...(allowRoot ? ['--allow-root'] : [])]);
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, CAPONIER_HOME: home.path },
    cwd: home.path,
  });
  closeSync(log);
  child.unref();
}

export interface Waiting {
  readonly tell?: (waitingFor: readonly string[]) => void;
  /** Whether nobody starts them any more. */
  readonly isOver?: () => boolean;
}

/** Waits until these processes are ready (all, where none is named). Throws `cli.not_ready` with the first that is not. */
export async function untilReady(
  home: Home,
  names: readonly string[] | null,
  { tell = () => {}, isOver = () => false }: Waiting = {},
): Promise<Processes> {
  const concerns = ({ name }: ProcessState) => names === null || names.includes(name);
  const found = await until(() => {
    if (isOver()) throw fail('cli.not_ready', 'ended');
    const now = readProcesses(home);
    if (!now) return undefined;
    const waiting = now.processes.filter((one) => concerns(one) && one.state !== 'ready');
    tell(waiting.map(({ name }) => name));
    const hopeless = waiting.find(({ restarts }) => restarts >= maxStarts);
    if (hopeless) throw fail('cli.not_ready', `${hopeless.name} ends again and again`);
    return waiting.length === 0 ? now : undefined;
  }, startMs);
  if (!found) throw fail('cli.not_ready', home.path);
  return found;
}

/** Ends everything that runs in this home; false where nothing did. */
export async function stopAll(home: Home): Promise<boolean> {
  const running = readProcesses(home);
  if (!running) return false;
  process.kill(running.supervisor, 'SIGTERM');
  const ended = await until(() => (supervisorRuns(home) ? undefined : true), running.endMs + stopMs);
  if (!ended) throw fail('cli.not_ready', 'not everything ended in time');
  return true;
}
