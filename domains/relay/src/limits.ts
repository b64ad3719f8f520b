import { limits as wire } from '@caponier/protocol';

/** What a relay's peers can cost. Each is a number with a default; whoever runs the relay may change it by flag. */
export interface RelayLimits {
  /** Connections at once; above it new ones are closed with 4503. */
  readonly connections: number;
  /** Of these, connections that have not proven a device yet: the rest stays free for devices. */
  readonly strangers: number;
  /** Of those, from one address (IPv6: one /64). */
  readonly strangersPerAddress: number;
  /** Milliseconds from the first byte to `hello` or `meet`. */
  readonly handshakeMs: number;
  /** Bytes a connection may send before it is ready. */
  readonly greetingBytes: number;
  /** Challenges an address may take in a minute; one that was answered well is given back. */
  readonly challengesPerMinute: number;
  /** Failed proofs an address may show in a minute; then close 1008. */
  readonly failuresPerMinute: number;
  /** Addresses whose attempts are remembered; above it the oldest is forgotten. */
  readonly addresses: number;

  /** Owners admitted at once, and devices of one owner that may hold mail here. */
  readonly owners: number;
  readonly devicesPerOwner: number;
  /** Owners whose statements are kept replayed in memory; above it the one used longest ago is read again when needed. */
  readonly cachedOwners: number;
  /** Connections of one device at once, in shared mode. */
  readonly connectionsPerDevice: number;

  /** Mail a device may send: a minute, sustained, and at once. */
  readonly mailPerMinute: number;
  readonly mailBurst: number;
  /** Mail waiting for one recipient: messages, and bytes of their bodies. */
  readonly pendingMail: number;
  readonly pendingMailBytes: number;
  /** Bytes of mail waiting for all devices of one owner together. */
  readonly ownerMailBytes: number;
  /** Mail given to a listener and not acknowledged yet: messages, and bytes. */
  readonly mailWindow: number;
  readonly mailWindowBytes: number;
  /** Hours in which a message id is remembered, so that a repeated `mail` is stored once. */
  readonly rememberIdsHours: number;

  /** Other requests of a device (open, meet, offer, fetch, allow, news), a minute and at once. */
  readonly requestsPerMinute: number;
  /** Statements in one `news` of a device: each costs a signature check, whoever signed it. */
  readonly newsStatements: number;
  /** Owners and devices one device may allow. */
  readonly contacts: number;
  /** One-time prekeys held for one device, and handed to one peer in an hour. */
  readonly prekeys: number;
  readonly oneTimePerHour: number;

  /** Streams of one connection at once. */
  readonly streams: number;
  /** Of these, streams that devices of one other owner opened to it: the rest stays free for its own. */
  readonly streamsOfContact: number;
  /** Credit of a new stream, and the most outstanding, in bytes each way. */
  readonly window: number;
  readonly maxWindow: number;
  /** Milliseconds in which a stream must be taken by the device it was opened to. */
  readonly openMs: number;

  /** Meetings at once; opened by the devices of one owner; seconds each; bytes said in each, both ways together. */
  readonly meetings: number;
  readonly meetingsPerOwner: number;
  readonly meetingSeconds: number;
  readonly meetingBytes: number;

  /** Bytes that may wait for one connection which does not read; above it the connection is cut with 4417. */
  readonly bufferedBytes: number;
  /** Bytes that may wait for all connections together; above it those that hold most are cut. */
  readonly bufferedBytesTogether: number;
  /** Milliseconds of silence after which the relay asks, and after which it gives the connection up. */
  readonly pingMs: number;
  readonly silentMs: number;
  /** Milliseconds a peer has to answer a close. */
  readonly closeMs: number;
}

export const relayLimits: RelayLimits = Object.freeze({
  connections: 10_000,
  strangers: 2_000,
  strangersPerAddress: 32,
  handshakeMs: 10_000,
  // A whole bundle of statements, and the frames around it.
  greetingBytes: wire.maxBundleBytes + 64 * 1024,
  challengesPerMinute: 10,
  failuresPerMinute: 5,
  addresses: 100_000,

  owners: 100_000,
  devicesPerOwner: 256,
  cachedOwners: 10_000,
  connectionsPerDevice: 8,

  mailPerMinute: 60,
  mailBurst: 120,
  pendingMail: wire.maxPendingMail,
  pendingMailBytes: wire.maxPendingMailBytes,
  ownerMailBytes: 256 * 1024 * 1024,
  mailWindow: 64,
  mailWindowBytes: 1024 * 1024,
  rememberIdsHours: 48,

  requestsPerMinute: 300,
  // A removal and its cosigns.
  newsStatements: 17,
  contacts: 1_000,
  prekeys: 100,
  oneTimePerHour: 5,

  streams: 64,
  streamsOfContact: 32,
  window: 128 * 1024,
  maxWindow: 256 * 1024,
  openMs: 30_000,

  meetings: 1_000,
  meetingsPerOwner: wire.maxOpenCodes,
  meetingSeconds: wire.meetingSeconds,
  meetingBytes: 2 * 1024 * 1024,

  // Every stream's whole window, the mail window, and room for what is small.
  bufferedBytes: 64 * 256 * 1024 + 2 * 1024 * 1024,
  bufferedBytesTogether: 512 * 1024 * 1024,
  pingMs: 30_000,
  silentMs: 75_000,
  closeMs: 5_000,
});
