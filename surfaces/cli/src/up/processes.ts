import { CaponierError } from '@caponier/crypto';
import { type Home, systemClock } from '@caponier/host/home';

/** What the supervisor of a home says about the processes it looks after. */
export interface ProcessState {
  readonly name: string;
  /** `waiting`: it ended, and is started again after a pause. */
  readonly state: 'starting' | 'ready' | 'waiting' | 'stopped';
  readonly pid: number | null;
  readonly url: string | null;
  /** Times it had to be started again. */
  readonly restarts: number;
  /** Milliseconds since the epoch of the last change. */
  readonly since: number;
}

export interface Processes {
  /** Process number of the supervisor. */
  readonly supervisor: number;
  /** Milliseconds after which it has ended all of them, by force if need be. */
  readonly endMs: number;
  readonly processes: readonly ProcessState[];
}

const stateFile = 'processes.json';
const supervisorLock = 'supervisor';

const runFolder = (home: Home) => home.folder('run');

export function writeProcesses(home: Home, endMs: number, processes: readonly ProcessState[]): void {
  const state: Processes = { supervisor: process.pid, endMs, processes };
  runFolder(home).write(stateFile, new TextEncoder().encode(`${JSON.stringify(state, null, 2)}\n`));
}

/** Held by the supervisor as long as it lives, however it ends. Throws `host.locked`. */
export function lockSupervisor(home: Home) {
  return runFolder(home).lock(supervisorLock);
}

/** Whether a supervisor runs here: its lock ends with it, a file with its number would not. */
export function supervisorRuns(home: Home): boolean {
  try {
    lockSupervisor(home).release();
    return false;
  } catch (error) {
    if (error instanceof CaponierError && error.code === 'host.locked') return true;
    throw error;
  }
}

/** What runs in this home; null where no supervisor does. */
export function readProcesses(home: Home): Processes | null {
  if (!supervisorRuns(home)) return null;
  const bytes = runFolder(home).read(stateFile);
  const state = bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Processes) : null;
  // For a moment a new supervisor holds the lock and the file is still the last one's.
  return state && isAlive(state.supervisor) ? state : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with what `look` gives once it is not undefined; undefined after so many milliseconds. */
export async function until<T>(look: () => T | undefined, milliseconds: number): Promise<T | undefined> {
  const pollMs = 25;
  const end = systemClock() + milliseconds;
  for (;;) {
    const found = look();
    if (found !== undefined || systemClock() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
