import { toBase64url } from '@caponier/crypto';
import { type Frame, fail } from '@caponier/protocol';
import type { DeliveredMail } from '../link/relay-port.ts';
import { HANDLER_RETRY, INBOX_REMEMBERED, INBOX_WAITING, MAIL_COST, RETRY_MOST } from './limits.ts';
import type { Wire } from './wire.ts';

type Handler = (mail: DeliveredMail) => Promise<void>;

/**
 * Mail that comes in: handed over one after another, in order, each acknowledged after its handler is through. So a
 * message whose handler did not finish comes again: after a failure here, or on the next connection.
 */
export class Inbox {
  readonly #pause: (milliseconds: number) => Promise<void>;
  #handler: Handler | null = null;
  #wire: Wire | null = null;
  #waiting: Frame<'deliver'>[] = [];
  #waitingBytes = 0;
  #busy = false;
  /** Highest number that this connection was given: nothing above it may be acknowledged on it. */
  #given = 0;
  /** What was handled of late: given again before its acknowledgement arrived, it is not handled twice. */
  readonly #handled = new Set<string>();

  constructor(pause: (milliseconds: number) => Promise<void>) {
    this.#pause = pause;
  }

  get wanted(): boolean {
    return this.#handler !== null;
  }

  handle(handler: Handler | null): void {
    this.#handler = handler;
  }

  up(wire: Wire): void {
    this.#wire = wire;
  }

  down(): void {
    this.#wire = null;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#given = 0;
  }

  /** Throws `relay.too_large` for more than any relay has under way: it could fill our memory. */
  deliver(frame: Frame<'deliver'>): void {
    this.#waitingBytes += MAIL_COST + frame.body.length;
    if (this.#waitingBytes > INBOX_WAITING) throw fail('relay.too_large', 'mail that nobody has handled yet');
    this.#given = frame.seq;
    this.#waiting.push(frame);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      this.#waitingBytes = Math.max(0, this.#waitingBytes - MAIL_COST - frame.body.length);
      if (!(await this.#handleOne(frame))) break;
      // On another connection than the one that gave it, it is given again first.
      if (frame.seq <= this.#given) this.#wire?.send('ack', { seq: frame.seq });
    }
    this.#busy = false;
  }

  /** False where nobody handles mail any more. */
  async #handleOne({ from, id, body, seq }: Frame<'deliver'>): Promise<boolean> {
    const name = `${seq} ${toBase64url(id)}`;
    if (this.#handled.has(name)) return true;
    for (let pause = HANDLER_RETRY; this.#handler; pause = Math.min(pause * 2, RETRY_MOST)) {
      try {
        await this.#handler({ from, id, body });
        this.#remember(name);
        return true;
      } catch {
        await this.#pause(pause);
      }
    }
    return false;
  }

  #remember(name: string): void {
    this.#handled.add(name);
    if (this.#handled.size > INBOX_REMEMBERED) this.#handled.delete(this.#handled.keys().next().value as string);
  }
}
