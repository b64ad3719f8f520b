import type { Home, Log } from '@caponier/host';
import type { LocalClient } from './local-client.ts';

/** The clock and randomness are the system's: the daemon is Node's own surface. */
export interface DaemonOptions {
  /** With an identity (`writeIdentity`) and the device's keys; locked under `daemon` while it runs. */
  readonly home: Home;
  readonly log: Log;
}

export interface Daemon {
  /** Where the local API listens. It listens when `createDaemon` resolves; the network may still be away. */
  readonly socketPath: string;
  /** Ends what runs (shells are hung up) and forgets nothing. */
  close(): Promise<void>;
}

export interface RunAgentOptions {
  readonly client: LocalClient;
  /** The agent's name on this device: `claude`. */
  readonly agent: string;
  /** Program and arguments, started in this terminal. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Narrower or wider than `secret.use`, `memory.get`, `memory.search` on everything. */
  readonly classes?: readonly string[];
  readonly ops?: readonly string[];
  readonly resources?: readonly string[];
  /** Seconds; default 12 hours. */
  readonly lives?: number;
  /** Folder (0700) for the supervisor's socket. */
  readonly runFolder: string;
}
