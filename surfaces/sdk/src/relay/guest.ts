import { type ErrorCode, type Frame, fail } from '@caponier/protocol';
import type { Wait } from '@caponier/verify';
import type { RelayMeeting } from '../link/relay-port.ts';
import type { Transport } from '../transport/types.ts';
import { GREETING_TIME } from './limits.ts';
import { MeetingEnd, reasonOf } from './meetings.ts';
import { openWire, type RelayAddress, type Wire } from './wire.ts';

/** The number of the one meeting of a guest. */
const channel = 1;

/**
 * Joins a meeting as nobody: no key is shown and none is asked for. Throws `relay.no_meeting`, `relay.rate_limited`,
 * `relay.timeout`, and what `Transport.connect` throws. Leaving ends the connection.
 */
export async function joinMeeting(
  { transport, wait }: { readonly transport: Transport; readonly wait: Wait },
  address: RelayAddress,
  name: Uint8Array,
  signal: AbortSignal = new AbortController().signal,
): Promise<RelayMeeting> {
  const settled = new AbortController();
  const met = Promise.withResolvers<RelayMeeting>();
  met.promise.catch(() => {});
  let wire: Wire | null = null;
  let end: MeetingEnd | null = null;
  const close = () => wire?.close();
  const over = (code: ErrorCode | null) => {
    end?.over(code);
    met.reject(fail(code ?? 'relay.meeting_over'));
    settled.abort();
    signal.removeEventListener('abort', close);
  };
  const take = (frame: Frame) => {
    switch (frame.type) {
      case 'challenge':
        wire?.send('meet', { channel, join: true, name });
        return;
      case 'met':
        if (!wire || !frame.together || end) return;
        end = new MeetingEnd(wire, channel, close);
        met.resolve(end);
        settled.abort();
        return;
      case 'say':
        end?.said(frame.body);
        return;
      case 'leave':
        over(reasonOf(frame.code));
        return;
      case 'ping':
        wire?.send('pong', {});
        return;
    }
  };
  wire = await openWire(transport, address, signal, { onFrame: take, onClose: over });
  signal.addEventListener('abort', close, { once: true });
  void wait(GREETING_TIME, settled.signal).then(() => {
    if (settled.signal.aborted) return;
    over('relay.timeout');
    close();
  });
  return met.promise;
}
