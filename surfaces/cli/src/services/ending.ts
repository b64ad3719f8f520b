import type { Settings } from '@caponier/host';
import { fail } from '@caponier/protocol';
import { numberOf } from './settings.ts';

/** Seconds of service that `--drain-seconds` may ask for after a SIGTERM, and that `--stop-seconds` may say there are. */
const most = { drain: 600, stop: 3_600 } as const;
/** Milliseconds that requests under way get after that. */
export const requestsMs = 10_000;
/** Milliseconds for stores and files to be closed, when the last request is over. */
const closingMs = 2_000;
/** Milliseconds more for a supervisor: its services end first. */
const supervisorMs = 3_000;

/** How long a service, and whoever looks after it, takes to end. Milliseconds. */
export interface Ending {
  /** Service goes on for so long after a SIGTERM. */
  readonly drainMs: number;
  /** After this it has ended by itself, or it hangs. */
  readonly endMs: number;
}

/**
 * What was asked for. Whoever ends us by force sooner (systemd, by TimeoutStopSec) makes a drain into a cut, and says nothing
 * about it: so it is told to us as `--stop-seconds`, and the two must fit. Throws `host.bad_config`.
 */
export function readEnding(settings: Settings): Ending {
  const drainMs = (numberOf(settings, '--drain-seconds', 0, most.drain) ?? 0) * 1000;
  const stop = numberOf(settings, '--stop-seconds', 1, most.stop);
  const endMs = drainMs + requestsMs + closingMs;
  const needed = (endMs + supervisorMs) / 1000;
  if (stop === undefined || stop >= needed) return { drainMs, endMs };
  throw fail(
    'host.bad_config',
    `--drain-seconds ${drainMs / 1000} needs ${needed} seconds to end, and --stop-seconds gives ${stop}: in a unit raise CAPONIER_STOP_SECONDS and TimeoutStopSec together`,
  );
}
