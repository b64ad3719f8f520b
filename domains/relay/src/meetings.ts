import { type ErrorCode, type Frame, fail, relayNumberOf } from '@caponier/protocol';
import { type Connection, type Meeting, nameOf, type Party } from './connection.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayMeter } from './meter.ts';
import type { Outbox } from './outbox.ts';

/** Bytes that may wait for a party that does not read; above it the meeting ends. */
const partyBuffer = 256 * 1024;

/**
 * Meetings: two parties who share a secret find each other under its hash, and talk until both know whom they have.
 *
 * A device opens a meeting under its own admission; the other party may be nobody yet. Threat: strangers that fill the
 * relay. Measure: only devices make state, few each; a stranger joins what is open or is sent away; time and bytes are
 * bounded. What remains: who learned the code can spoil this one meeting (never read it).
 */
export class Meetings {
  readonly #outbox: Outbox;
  readonly #limits: RelayLimits;
  readonly #clock: () => number;
  /** A guest has no business here after its meeting. */
  readonly #dismiss: (guest: Connection) => void;
  readonly #meter: RelayMeter;
  readonly #byName = new Map<string, Meeting>();

  constructor(
    outbox: Outbox,
    limits: RelayLimits,
    clock: () => number,
    dismiss: (guest: Connection) => void,
    meter: RelayMeter,
  ) {
    this.#outbox = outbox;
    this.#limits = limits;
    this.#clock = clock;
    this.#dismiss = dismiss;
    this.#meter = meter;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** A device opens a meeting. Throws `relay.too_many`: also for a name in use, which is a code used twice. */
  open(from: Connection, { channel, name: bytes }: Frame<'meet'>): void {
    const name = nameOf(bytes);
    const meetings = this.#free(from, channel);
    const met = this.#limitMet(from);
    if (met) this.#meter.add('limit_hits', met);
    if (met || this.#byName.has(name)) throw fail('relay.too_many', 'meetings');
    const meeting: Meeting = {
      name,
      opener: { connection: from, channel },
      joiner: null,
      since: this.#clock(),
      bytesLeft: this.#limits.meetingBytes,
    };
    this.#byName.set(name, meeting);
    meetings.set(channel, meeting);
    this.#outbox.send(from, 'met', { channel, together: false });
  }

  /** By owner, not by connection or device: an owner makes as many of those as it likes. */
  #limitMet(from: Connection): 'meetings' | 'meetingsPerOwner' | null {
    const { owner } = from.ready.device;
    const own = [...this.#byName.values()].filter(({ opener }) => opener.connection.device?.owner === owner).length;
    if (own >= this.#limits.meetingsPerOwner) return 'meetingsPerOwner';
    return this.#byName.size >= this.#limits.meetings ? 'meetings' : null;
  }

  /** Anybody joins the meeting of this name. Yields whether there was one with a free place. */
  join(from: Connection, { channel, name }: Frame<'meet'>): boolean {
    const meetings = this.#free(from, channel);
    const meeting = this.#byName.get(nameOf(name));
    if (!meeting || meeting.joiner || meeting.opener.connection === from) return false;
    meeting.joiner = { connection: from, channel };
    meetings.set(channel, meeting);
    for (const { connection, channel: number } of [meeting.opener, meeting.joiner]) {
      this.#outbox.send(connection, 'met', { channel: number, together: true });
    }
    return true;
  }

  #free(from: Connection, channel: number): Map<number, Meeting> {
    from.meetings ??= new Map();
    if (from.meetings.has(channel)) throw fail('relay.protocol', 'a number in use');
    return from.meetings;
  }

  #other(from: Connection, meeting: Meeting): Party | null {
    return meeting.opener.connection === from ? meeting.joiner : meeting.opener;
  }

  say(from: Connection, { channel, body }: Frame<'say'>): void {
    const meeting = from.meetings?.get(channel);
    // It may have ended on the other side, and the news be on its way.
    if (!meeting) return;
    const other = this.#other(from, meeting);
    if (!other) throw fail('relay.protocol', 'nobody is there to hear');
    meeting.bytesLeft -= body.length;
    const { connection } = other;
    const waiting = connection.socket.bufferedAmount + connection.outBytes;
    if (meeting.bytesLeft < 0) this.#spent(meeting, 'meetingBytes');
    else if (waiting > partyBuffer + this.#buffered(connection)) this.#end(meeting, 'relay.too_slow');
    else this.#outbox.send(connection, 'say', { channel: other.channel, body });
  }

  /** What may wait for a device for its other affairs, too; nothing for a guest. */
  #buffered(connection: Connection): number {
    return connection.state === 'guest' ? 0 : this.#limits.bufferedBytes / 2;
  }

  leave(from: Connection, { channel, code }: Frame<'leave'>): void {
    const meeting = from.meetings?.get(channel);
    if (meeting) this.#over(meeting, from, code);
  }

  /** Ends it for both; whoever left already is not told. */
  #over(meeting: Meeting, left: Connection | null, code: number): void {
    this.#byName.delete(meeting.name);
    for (const party of [meeting.opener, meeting.joiner]) {
      if (!party) continue;
      const { connection, channel } = party;
      connection.meetings?.delete(channel);
      if (connection !== left) this.#outbox.send(connection, 'leave', { channel, code });
      if (connection.state === 'guest') this.#dismiss(connection);
    }
  }

  #end(meeting: Meeting, code: ErrorCode): void {
    this.#over(meeting, null, relayNumberOf(code));
  }

  #spent(meeting: Meeting, limit: 'meetingBytes' | 'meetingSeconds'): void {
    this.#meter.add('limit_hits', limit);
    this.#end(meeting, 'relay.meeting_over');
  }

  /** Ends all meetings of a connection that is gone. */
  gone(connection: Connection): void {
    for (const meeting of connection.meetings?.values() ?? []) {
      this.#over(meeting, connection, relayNumberOf('relay.meeting_over'));
    }
    connection.meetings = null;
  }

  sweep(now: number): void {
    const most = this.#limits.meetingSeconds * 1000;
    for (const meeting of this.#byName.values()) {
      // After a clock was set back its time begins anew: it would last as much longer, else.
      meeting.since = Math.min(meeting.since, now);
      if (now - meeting.since >= most) this.#spent(meeting, 'meetingSeconds');
    }
  }
}
