import type { Frame } from '@caponier/protocol';
import type { DeliveredMail } from '../link/relay-port.ts';
import { HANDLER_RETRY, RETRY_MOST } from './limits.ts';
import type { Wire } from './wire.ts';

/**
 * Mail that comes in: handed over one after another, in order, each acknowledged after its handler is through. So a
 * message whose handler did not finish comes again: after a failure here, or on the next connection.
 */
export class Inbox {
  readonly #pause: (milliseconds: number) => Promise<void>;
  #handler: ((mail: DeliveredMail) => Promise<void>) | null = null;
  #wire: Wire | null = null;
  #waiting: Frame<'deliver'>[] = [];
  #busy = false;
  /** The last that was handled: a message given out again before its acknowledgement arrived is not handled twice. */
  #handled = 0;

  constructor(pause: (milliseconds: number) => Promise<void>) {
    this.#pause = pause;
  }

  get wanted(): boolean {
    return this.#handler !== null;
  }

  handle(handler: (mail: DeliveredMail) => Promise<void>): void {
    this.#handler = handler;
  }

  up(wire: Wire): void {
    this.#wire = wire;
    this.#waiting = [];
  }

  down(): void {
    this.#wire = null;
    this.#waiting = [];
  }

  deliver(frame: Frame<'deliver'>): void {
    this.#waiting.push(frame);
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      if (frame.seq > this.#handled) await this.#handleOne(frame);
      // The connection that gave it may be gone; the next one gives it again, and it is acknowledged there.
      this.#wire?.send('ack', { seq: this.#handled });
    }
    this.#busy = false;
  }

  async #handleOne(frame: Frame<'deliver'>): Promise<void> {
    const { from, id, body, seq } = frame;
    for (let pause = HANDLER_RETRY; ; pause = Math.min(pause * 2, RETRY_MOST)) {
      try {
        await this.#handler?.({ from, id, body });
        this.#handled = seq;
        return;
      } catch {
        await this.#pause(pause);
      }
    }
  }
}
