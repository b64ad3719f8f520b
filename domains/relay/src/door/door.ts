import { type ErrorCode, relayNumberOf } from '@caponier/protocol';
import type { Connection } from '../connection.ts';
import { barredClose } from '../greeting.ts';
import type { RelayLimitName, RelayLimits } from '../limits.ts';
import type { RelayMeter } from '../meter.ts';
import type { Spells } from '../watch/spells.ts';
import type { AddressBook } from './addresses.ts';
import { retryAfter } from './retry.ts';
import type { Strangers } from './strangers.ts';

/** Why somebody is not even challenged. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly close: number;
  readonly seconds: number;
  readonly limit: RelayLimitName;
}

export interface DoorPorts {
  readonly limits: RelayLimits;
  readonly addresses: AddressBook;
  readonly strangers: Strangers;
  readonly spells: Spells;
  readonly meter: RelayMeter;
  /** Open connections. */
  readonly open: () => number;
  /** Ends a stranger to make room: it is gone when this returns, whatever it does about it. */
  readonly displace: (connection: Connection) => void;
}

/** Who may come in at all: looked at before a WebSocket is made, and once more when it is there. */
export class Doors {
  readonly #ports: DoorPorts;

  constructor(ports: DoorPorts) {
    this.#ports = ports;
  }

  /** Why this address gets no connection now; null where it does. Counted and logged as the attempt that it is. */
  turnsAway(address: string, now: number): Refusal | null {
    const refusal = this.#judge(address, now, 1);
    if (refusal) this.#tell(address, refusal, now);
    return refusal;
  }

  /** The same of a connection that is here, and counted; one that may stay has taken its challenge. */
  receive(address: string, now: number): Refusal | null {
    const { addresses } = this.#ports;
    const refusal = this.#judge(address, now, 0);
    if (refusal) this.#tell(address, refusal, now);
    else addresses.challenges.take(address, now);
    return refusal;
  }

  #tell(address: string, { code, limit }: Refusal, now: number): void {
    const { spells, meter } = this.#ports;
    spells.refused(address, code, now);
    meter.add('connections_refused', code as ErrorCode & `relay.${string}`);
    meter.add('limit_hits', limit);
  }

  /** `coming`: how many are not counted yet. */
  #judge(address: string, now: number, coming: 0 | 1): Refusal | null {
    const { limits, addresses, strangers, open } = this.#ports;
    const barred = addresses.barredFor(address, now);
    if (barred > 0) {
      return { code: 'relay.rate_limited', close: barredClose, seconds: barred, limit: 'failuresPerMinute' };
    }
    const limited = (limit: RelayLimitName, seconds: number): Refusal => ({
      code: 'relay.rate_limited',
      close: relayNumberOf('relay.rate_limited'),
      seconds,
      limit,
    });
    if (strangers.of(address) + coming > limits.strangersPerAddress)
      return limited('strangersPerAddress', Math.ceil(limits.handshakeMs / 1000));
    const wait = addresses.challenges.secondsUntil(address, now);
    if (wait > 0) return limited('challengesPerMinute', wait);
    const tooMany = strangers.size + coming > limits.strangers;
    if ((!tooMany && open() + coming <= limits.connections) || strangers.oldestOfBusiest()) return null;
    const limit = tooMany ? 'strangers' : 'connections';
    const code = 'relay.unavailable';
    return { code, close: relayNumberOf(code), seconds: retryAfter(code), limit };
  }

  /** Finds places for one more, so that strangers never keep a device from knocking. Not itself: it is the newest. */
  makeRoom(): void {
    const { limits, strangers, meter, open, displace } = this.#ports;
    while (strangers.size > limits.strangers || open() > limits.connections) {
      const oldest = strangers.oldestOfBusiest();
      if (!oldest) return;
      meter.add('limit_hits', strangers.size > limits.strangers ? 'strangers' : 'connections');
      displace(oldest);
    }
  }

  /** What they have said and not proven is bounded together. */
  bound(): void {
    const { limits, strangers, meter, displace } = this.#ports;
    while (strangers.bytes > limits.strangerBytes) {
      const loudest = strangers.loudest();
      if (!loudest) return;
      meter.add('limit_hits', 'strangerBytes');
      displace(loudest);
    }
  }
}
