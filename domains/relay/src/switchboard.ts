import { decodeFrame, type Frame, fail, isDataFrame } from '@caponier/protocol';
import type { Connection } from './connection.ts';
import type { Desk } from './desk.ts';
import type { Greeting } from './greeting.ts';
import type { RelayLimitName, RelayLimits } from './limits.ts';
import type { Meetings } from './meetings.ts';
import type { Outbox } from './outbox.ts';
import type { Streams } from './streams.ts';

export interface SwitchboardPorts {
  readonly limits: RelayLimits;
  readonly greeting: Greeting;
  readonly desk: Desk;
  readonly streams: Streams;
  readonly meetings: Meetings;
  readonly outbox: Outbox;
  /** A stranger said so many bytes. */
  readonly heard: (connection: Connection, bytes: number) => void;
  readonly hit: (limit: RelayLimitName) => void;
  /** Ends the connection with what went wrong. */
  readonly failed: (connection: Connection, error: unknown) => void;
}

/** Which frames are taken in which state, and by whom. */
export class Switchboard {
  readonly #ports: SwitchboardPorts;

  constructor(ports: SwitchboardPorts) {
    this.#ports = ports;
  }

  /** One message; null for one that is not binary. */
  take(connection: Connection, message: Uint8Array | null): void {
    const { streams, failed } = this.#ports;
    try {
      if (message === null) throw fail('relay.protocol', 'a text message');
      if (connection.state === 'ready' && isDataFrame(message)) streams.pass(connection, message);
      else this.#dispatch(connection, message);
    } catch (error) {
      failed(connection, error);
    }
  }

  #dispatch(connection: Connection, message: Uint8Array): void {
    if (connection.state === 'ready') {
      const frame = decodeFrame(message, 'device');
      this.#run(connection, this.#ports.desk.take(connection, connection.ready, frame));
    } else if (connection.state === 'guest') this.#guest(connection, decodeFrame(message, 'device'));
    else this.#greet(connection, message);
  }

  #greet(connection: Connection, message: Uint8Array): void {
    const { limits, heard, hit } = this.#ports;
    heard(connection, message.length);
    if (connection.greeted > limits.greetingBytes) {
      hit('greetingBytes');
      throw fail('relay.too_large', 'greeting');
    }
    const frame = decodeFrame(message, 'device');
    if (connection.state === 'new') this.#stranger(connection, frame);
    else if (connection.state === 'proving') throw fail('relay.protocol', 'before the answer to hello');
  }

  #stranger(connection: Connection, frame: Frame): void {
    const { greeting } = this.#ports;
    switch (frame.type) {
      case 'news':
        if (frame.channel !== 0) throw fail('relay.protocol', 'a request of a stranger');
        greeting.news(connection, frame);
        return;
      case 'hello':
        this.#run(connection, greeting.hello(connection, frame));
        return;
      case 'meet':
        greeting.meet(connection, frame);
        return;
      default:
        throw fail('relay.protocol', `${frame.type} from a stranger`);
    }
  }

  #guest(connection: Connection, frame: Frame): void {
    const { meetings, outbox } = this.#ports;
    switch (frame.type) {
      case 'say':
        meetings.say(connection, frame);
        return;
      case 'leave':
        meetings.leave(connection, frame);
        return;
      case 'ping':
        outbox.send(connection, 'pong', {});
        return;
      case 'pong':
        return;
      default:
        throw fail('relay.protocol', `${frame.type} from a guest`);
    }
  }

  /** What goes wrong later ends the connection just as what goes wrong at once. */
  #run(connection: Connection, work: Promise<void> | void): void {
    work?.catch((error: unknown) => this.#ports.failed(connection, error));
  }
}
