import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, type Frame, type FrameInput, fail, relayErrorOf } from '@caponier/protocol';
import type { Wire } from './wire.ts';

type RequestName = 'offer' | 'fetch' | 'allow' | 'news';

interface Waiting {
  resolve(statement: string): void;
  reject(error: CaponierError): void;
}

/** Requests that are answered on their number. A break rejects them: all may be asked again. */
export class Requests {
  readonly #number: () => number;
  #wire: Wire | null = null;
  readonly #waiting = new Map<number, Waiting>();

  constructor(number: () => number) {
    this.#number = number;
  }

  up(wire: Wire): void {
    this.#wire = wire;
  }

  down(code: ErrorCode): void {
    this.#wire = null;
    for (const { reject } of this.#waiting.values()) reject(fail(code));
    this.#waiting.clear();
  }

  /** The statement answered, or empty for `done`. */
  ask<N extends RequestName>(name: N, values: Omit<FrameInput<N>, 'channel'>): Promise<string> {
    const wire = this.#wire;
    if (!wire) return Promise.reject(fail('relay.disconnected'));
    const channel = this.#number();
    return new Promise((resolve, reject) => {
      this.#waiting.set(channel, { resolve, reject });
      wire.send(name, { ...values, channel } as FrameInput<N>);
    });
  }

  #take(channel: number): Waiting | undefined {
    const waiting = this.#waiting.get(channel);
    this.#waiting.delete(channel);
    return waiting;
  }

  done({ channel }: Frame<'done'>): void {
    this.#take(channel)?.resolve('');
  }

  prekeys({ channel, statement }: Frame<'prekeys'>): void {
    this.#take(channel)?.resolve(statement);
  }

  /** True where the error was the answer to one of these. */
  error({ channel, code }: Frame<'error'>): boolean {
    const waiting = this.#take(channel);
    waiting?.reject(fail(relayErrorOf(code)));
    return waiting !== undefined;
  }
}
