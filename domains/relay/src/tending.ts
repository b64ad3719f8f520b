import type { ErrorCode } from '@caponier/protocol';
import type { Connection } from './connection.ts';
import type { RelayLimitName, RelayLimits } from './limits.ts';
import { mostAtOnce, mostSteps, type Steps } from './rounds.ts';

export interface TendingPorts {
  readonly limits: RelayLimits;
  readonly connections: ReadonlySet<Connection>;
  readonly hit: (limit: RelayLimitName) => void;
  readonly end: (connection: Connection, code: ErrorCode) => void;
  readonly terminate: (connection: Connection, code: ErrorCode) => void;
  readonly ask: (connection: Connection) => void;
  /** So many bytes of a message of a stranger are here that is not whole yet. */
  readonly begun: (connection: Connection, bytes: number) => void;
}

/** Time, for all connections at once: a timer a connection would cost more than what it guards. */
export class Tending {
  readonly #ports: TendingPorts;

  constructor(ports: TendingPorts) {
    this.#ports = ports;
  }

  /** Looks at every connection once. */
  *round(clock: () => number): Steps {
    const { connections, limits } = this.#ports;
    const step = Math.max(mostAtOnce, Math.ceil(connections.size / mostSteps));
    let now = clock();
    let held = 0;
    let looked = 0;
    for (const connection of connections) {
      if (looked === step) {
        looked = 0;
        yield;
        now = clock();
      }
      looked += 1;
      this.#tend(connection, now);
      held += connection.buffered;
    }
    if (held > limits.bufferedBytesTogether) this.#relieve(held);
  }

  #tend(connection: Connection, now: number): void {
    const { handshakeMs, closeMs } = this.#ports.limits;
    settle(connection, now);
    if (connection.stranger) this.#ports.begun(connection, connection.socket.unfinishedBytes ?? 0);
    if (connection.state === 'closed') {
      connection.buffered = connection.socket.bufferedAmount;
      if (now - connection.closedAt < closeMs) return;
      this.#ports.hit('closeMs');
      connection.socket.terminate();
      return;
    }
    if (this.#isStalled(connection, now)) this.#cut(connection, 'stalledMs', 'relay.too_slow');
    else if (this.#isEndless(connection, now)) this.#cut(connection, 'messageMs', 'relay.timeout');
    else if (connection.state === 'ready' || connection.state === 'guest') this.#quiet(connection, now);
    else if (now - connection.since >= handshakeMs) {
      this.#ports.hit('handshakeMs');
      // Whoever has said all there is to say waits for us.
      this.#ports.end(connection, connection.state === 'new' ? 'relay.timeout' : 'relay.unavailable');
    }
  }

  #cut(connection: Connection, limit: RelayLimitName, code: ErrorCode): void {
    this.#ports.hit(limit);
    this.#ports.terminate(connection, code);
  }

  #quiet(connection: Connection, now: number): void {
    const { pingMs, silentMs } = this.#ports.limits;
    const silence = now - connection.heard;
    if (silence >= silentMs) this.#cut(connection, 'silentMs', 'relay.timeout');
    else if (silence >= pingMs && now - connection.asked >= pingMs) {
      connection.asked = now;
      this.#ports.hit('pingMs');
      this.#ports.ask(connection);
    }
  }

  /** Threat: a reader that stops, or reads one byte an hour, to keep what waits for it in memory below every size limit. */
  #isStalled(connection: Connection, now: number): boolean {
    const bytes = connection.socket.bufferedAmount;
    const shrank = bytes < connection.buffered;
    connection.buffered = bytes;
    if (bytes === 0 || shrank) connection.stalledSince = 0;
    else if (connection.stalledSince === 0) connection.stalledSince = now;
    return connection.stalledSince !== 0 && now - connection.stalledSince >= this.#ports.limits.stalledMs;
  }

  /** Threat: a message that begins and never ends, a byte at a time. A whole one begins the time anew. */
  #isEndless(connection: Connection, now: number): boolean {
    if ((connection.socket.unfinishedBytes ?? 0) === 0) {
      connection.begunSince = 0;
      return false;
    }
    if (connection.begunSince === 0 || connection.heard > connection.begunSince) connection.begunSince = now;
    return now - connection.begunSince >= this.#ports.limits.messageMs;
  }

  /**
   * Threat: each connection may keep some megabytes waiting, and many that do not read would keep gigabytes. Measure: they
   * have one sum together, and whoever holds most of it goes first. What remains: what arrives between two looks.
   */
  #relieve(sum: number): void {
    let held = sum;
    for (const connection of [...this.#ports.connections].sort((a, b) => b.buffered - a.buffered)) {
      if (held <= this.#ports.limits.bufferedBytesTogether) return;
      this.#ports.hit('bufferedBytesTogether');
      if (connection.state === 'closed') connection.socket.terminate();
      else this.#ports.terminate(connection, 'relay.too_slow');
      held -= connection.buffered;
    }
  }
}

/** After a clock was set back what lies in its future begins anew: a stranger would stay as much longer, else. */
function settle(connection: Connection, now: number): void {
  if (connection.since > now) connection.since = now;
  if (connection.heard > now) connection.heard = now;
  if (connection.asked > now) connection.asked = now;
  if (connection.closedAt > now) connection.closedAt = now;
  if (connection.stalledSince > now) connection.stalledSince = now;
  if (connection.begunSince > now) connection.begunSince = now;
}
