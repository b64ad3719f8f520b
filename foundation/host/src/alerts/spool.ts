import * as z from 'zod/mini';
import type { Home } from '../home/home.ts';
import { type AlertKind, alertKinds } from './kinds.ts';

/** One alert as it is sent. */
export interface Alert {
  /** The same in every attempt: a receiver that has seen it drops it. */
  readonly id: string;
  readonly kind: AlertKind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly service: string;
  /** Fields as a log line may have them; `count`: how often it happened since the alert of this kind before. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Alerts that wait for their receiver; above it new ones are dropped, and counted. */
export const MAX_WAITING = 256;

const spoolFile = 'alerts.json';

const form = z.array(
  z.strictObject({
    id: z.string(),
    kind: z.enum(Object.keys(alertKinds) as [AlertKind, ...AlertKind[]]),
    at: z.int(),
    service: z.string(),
    fields: z.record(z.string(), z.unknown()),
  }),
);

/**
 * Alerts that were not taken yet, in order, in a file that survives a restart. The file is written whole: it is small, and
 * how often is bounded by the pace of each kind.
 */
export class Spool {
  readonly #home: Home;
  #alerts: Alert[] = [];
  /** False where the file held something else: it was set to nothing. */
  readonly sound: boolean;

  constructor(home: Home) {
    this.#home = home;
    const bytes = home.read(spoolFile);
    const kept = bytes ? parse(new TextDecoder().decode(bytes)) : [];
    this.sound = kept !== null;
    this.#alerts = (kept ?? []).slice(0, MAX_WAITING);
  }

  get size(): number {
    return this.#alerts.length;
  }

  first(): Alert | undefined {
    return this.#alerts[0];
  }

  /** False where there is no room. Durable on return. */
  add(alert: Alert): boolean {
    if (this.#alerts.length >= MAX_WAITING) return false;
    this.#alerts.push(alert);
    this.#write();
    return true;
  }

  remove(id: string): void {
    this.#alerts = this.#alerts.filter((alert) => alert.id !== id);
    this.#write();
  }

  #write(): void {
    this.#home.write(spoolFile, new TextEncoder().encode(JSON.stringify(this.#alerts)));
  }
}

function parse(text: string): Alert[] | null {
  try {
    const parsed = form.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as Alert[]) : null;
  } catch {
    return null;
  }
}
