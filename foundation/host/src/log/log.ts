import { type DestinationStream, destination, pino } from 'pino';
import { allowed, type LogFields } from './fields.ts';

/** Events, as `noun.verb` in a few words of ours: `mail.stored`, `listener.open`. Written out at the call, never computed. */
export type EventName = `${Lowercase<string>}.${Lowercase<string>}`;

/** JSON lines to standard error. Takes an event and allowed fields, and nothing else: there is no message text. */
export interface Log {
  /** Something happened as it should. */
  event(name: EventName, fields?: LogFields): void;
  /** Something was refused or given up: an operator may want to look. */
  warn(name: EventName, fields?: LogFields): void;
  /** Something is wrong with us. */
  error(name: EventName, fields?: LogFields): void;
}

export interface LogOptions {
  /** Which domain writes: `relay`, `registry`, … */
  readonly service: string;
  readonly clock: () => number;
  /** Lines below it are not written. Default `info`. */
  readonly level?: 'info' | 'warn' | 'error' | 'silent';
  /** Default: standard error. */
  readonly to?: DestinationStream;
}

export function createLog({ service, clock, level = 'info', to }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: { service },
      timestamp: () => `,"time":${clock()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the last line before a crash is the one that is needed.
    to ?? destination({ fd: 2, sync: true }),
  );
  return {
    event: (name, fields = {}) => logger.info({ event: name, ...allowed(fields) }),
    warn: (name, fields = {}) => logger.warn({ event: name, ...allowed(fields) }),
    error: (name, fields = {}) => logger.error({ event: name, ...allowed(fields) }),
  };
}
