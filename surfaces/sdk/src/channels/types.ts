import type { Did } from '@caponier/protocol';
import type { Device as Enrolled } from '@caponier/verify';

/** What a stream is for; a byte on the relay's wire, bound into the channel's handshake by its name. */
export type ChannelPurpose = 'shell' | 'exec' | 'file' | 'forward';

/** A live end-to-end session with one device: messages both ways, in order. */
export interface Duplex {
  readonly purpose: ChannelPurpose;
  readonly peer: ChannelPeer;
  /** Age of the view that admitted the peer, seconds: above 30 a shell shows a banner. */
  readonly viewAge: number;
  /** Waits while the peer does not read. Throws `session.closed`. */
  send(message: Uint8Array): Promise<void>;
  /** Ends when the peer ended; throws `session.bad_record` where the stream was cut. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Says that nothing more comes from here. */
  end(): Promise<void>;
  /** Both ways, at once. */
  close(): void;
}

export interface ChannelPeer {
  readonly owner: string;
  readonly device: Did;
  readonly name: string;
  readonly role: Enrolled['role'];
}

/** Whether this device takes a channel; throws a coded error to refuse. The peer is enrolled and its view fresh already. */
export type Admit = (purpose: ChannelPurpose, peer: ChannelPeer) => void;

export interface Channels {
  /** To a device of this owner, by name. Throws `cli.no_device`, `owner.*`, `relay.not_reachable`, `session.*`. */
  open(device: string, purpose: ChannelPurpose): Promise<Duplex>;
  /** Takes channels of this purpose from now on: one handler each. Returns how to stop. */
  accept(purpose: ChannelPurpose, admit: Admit, handler: (channel: Duplex) => void): () => void;
}
