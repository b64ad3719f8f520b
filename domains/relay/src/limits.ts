import { fail, limits as wire } from '@caponier/protocol';

/** A limit as the table has it. `doc` says what it bounds, with its unit: the text of its flag. */
export interface RelayLimit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

/** Where a limit has no upper sense of its own: far above what one machine holds. */
const any = 2 ** 40;
const kiB = 1024;
const miB = 1024 * kiB;

function limit(value: number, doc: string, min = 1, max = any): RelayLimit {
  return { default: value, min, max, doc };
}

/** What a relay's peers can cost. Whoever runs the relay may change each by flag. */
export const relayLimitTable = {
  // Connections.
  connections: limit(10_000, 'open connections; above it new ones are refused with 503 or closed with 4503'),
  reservedConnections: limit(
    2_500,
    'of these, connections that only owners admitted a day ago or longer, or by ticket, may take; strangers and new owners leave them free',
    0,
  ),
  strangers: limit(
    2_000,
    'connections that have not proven a device yet; above it the oldest of the busiest address is closed with 4503',
  ),
  strangersPerAddress: limit(32, 'of these, from one address (IPv6: /64); above it 429 or close 4429'),
  strangerBytes: limit(
    64 * miB,
    'bytes that all unproven connections together may have said; above it the one that said most is closed with 4503',
  ),
  newcomersPerAddress: limit(
    500,
    'connections from one address (IPv6: /64) of owners admitted less than a day ago without a ticket; then close 4420',
  ),
  connectionsPerOwner: limit(512, 'connections of all devices of one owner at once; then close 4420'),
  connectionsPerDevice: limit(8, 'connections of one device at once, in shared mode; then close 4420'),
  handshakeMs: limit(
    10_000,
    'milliseconds from the first byte to hello or meet, and again to its answer',
    100,
    600_000,
  ),
  greetingBytes: limit(
    wire.maxBundleBytes + 64 * kiB,
    'bytes a connection may send before it is ready: a whole bundle of statements and the frames around it',
    1_024,
  ),
  messageMs: limit(
    30_000,
    'milliseconds in which a message that has begun must be there whole, of whomever; then the connection is cut',
    1_000,
    600_000,
  ),
  pingMs: limit(30_000, 'milliseconds of silence after which the relay asks', 1_000, 3_600_000),
  silentMs: limit(75_000, 'milliseconds of silence after which the relay gives a connection up', 2_000, 7_200_000),
  closeMs: limit(5_000, 'milliseconds a peer has to answer a close; then it is cut', 100, 600_000),
  bufferedBytes: limit(
    // Every stream's whole window, the mail window, and room for what is small.
    64 * 256 * kiB + 2 * miB,
    'bytes that may wait for one connection which does not read; above it 4417',
    kiB,
  ),
  bufferedBytesTogether: limit(
    512 * miB,
    'bytes that may wait for all connections together; above it those that hold most are cut',
  ),
  stalledMs: limit(
    30_000,
    'milliseconds in which some of what waits for a connection must have been read; then it is cut',
    1_000,
    3_600_000,
  ),

  // Proofs.
  challengesPerMinute: limit(
    10,
    'challenges an address (IPv6: /64) may take in a minute; one that was answered well is given back; then 429 or 4429',
  ),
  failuresPerMinute: limit(5, 'failed proofs an address (IPv6: /64) may show in a minute; then 429 or close 1008'),
  addresses: limit(
    100_000,
    'addresses and devices whose attempts are remembered, of each kind; above it the oldest is forgotten',
    100,
  ),
  hellosPerMinute: limit(30, 'times a minute that a device may prove itself; then close 4429'),
  replacements: limit(
    3,
    'times that a device may replace its own connection within replacementsMs; then the newcomer is closed with 4429',
  ),
  replacementsMs: limit(30_000, 'milliseconds in which replacements are counted', 1_000, 3_600_000),
  proving: limit(
    64,
    'proofs of devices not known here that are under way at once, and as many of known ones; others wait, one address in turn after another',
  ),

  // Owners.
  owners: limit(100_000, 'owners admitted at all; then close 4420'),
  reservedOwners: limit(1_000, 'of these, owners that only a ticket of an operator admits', 0),
  newOwnersPerHour: limit(1_000, 'owners admitted in an hour without a ticket; then close 4429'),
  newOwnersPerHourPerAddress: limit(60, 'of these, from one address (IPv6: /64); then close 4429'),
  newcomerStatementBytes: limit(
    1024 * miB,
    'bytes of statements kept for all owners admitted less than a day ago without a ticket, with 16 KiB of room for each; then close 4420',
    // What one owner may need: its first statement, and the room.
    2 * wire.maxStatementBytes,
  ),
  devicesPerOwner: limit(256, 'devices of one owner that may hold mail here; then close 4420'),
  cachedOwners: limit(
    10_000,
    'owners whose statements are kept replayed in memory; above it the one used longest ago is read again when needed',
  ),

  // Mail.
  mailPerMinute: limit(60, 'mails a minute, sustained, that a device may send; then refused with 4429'),
  mailBurst: limit(120, 'mails that a device may send at once; then refused with 4429'),
  // Twenty devices that never stop.
  ownerMailPerMinute: limit(
    1_200,
    'mails a minute, sustained, that all devices of one owner together may send; then refused with 4429',
  ),
  ownerMailBurst: limit(2_400, 'mails that all devices of one owner together may send at once; then refused with 4429'),
  pendingMail: limit(wire.maxPendingMail, 'mails waiting for one recipient; then refused with 4414'),
  pendingMailBytes: limit(wire.maxPendingMailBytes, 'bytes of mail waiting for one recipient; then refused with 4414'),
  ownerMailBytes: limit(
    256 * miB,
    'bytes of mail waiting for all devices of one owner together; then refused with 4414',
  ),
  mailOfContacts: limit(400, 'of pendingMail, mails from all other owners together; then refused with 4414'),
  mailBytesOfContacts: limit(
    12 * miB,
    'of pendingMailBytes, bytes of mail from all other owners together; then refused with 4414',
  ),
  senderMail: limit(250, 'mails of one device of another owner waiting for one recipient; then refused with 4422'),
  senderMailBytes: limit(
    8 * miB,
    'bytes of mail of one device of another owner waiting for one recipient; then refused with 4422',
  ),
  senderMailTogether: limit(
    5_000,
    'mails of one device waiting for devices of other owners, all together; then refused with 4422',
  ),
  senderMailBytesTogether: limit(
    64 * miB,
    'bytes of mail of one device waiting for devices of other owners, all together; then refused with 4422',
  ),
  contactMail: limit(250, 'mails of all devices of another owner waiting for one recipient; then refused with 4422'),
  contactMailBytes: limit(
    8 * miB,
    'bytes of mail of all devices of another owner waiting for one recipient; then refused with 4422',
  ),
  contactMailTogether: limit(
    20_000,
    'mails of all devices of one owner waiting for devices of other owners, all together; then refused with 4422',
  ),
  contactMailBytesTogether: limit(
    256 * miB,
    'bytes of mail of all devices of one owner waiting for devices of other owners, all together; then refused with 4422',
  ),
  mailSeconds: limit(14 * 86_400, 'seconds a mail waits for its recipient where its sender does not say', 1, 2 ** 31),
  mailSecondsMost: limit(30 * 86_400, 'seconds a mail waits at most, whatever its sender says', 1, 2 ** 31),
  mailWindow: limit(64, 'mails given to a listener and not acknowledged yet; the next ones wait'),
  mailWindowBytes: limit(miB, 'bytes of mail given to a listener and not acknowledged yet; the next ones wait'),
  rememberIdsHours: limit(48, 'hours in which a message id is remembered, so that a repeated mail is stored once'),

  // Requests of devices.
  requestsPerMinute: limit(
    300,
    'other requests of a device (open, meet, offer, fetch, allow, news) a minute, eight statements counting as one; then refused with 4429',
  ),
  // A removal and its cosigns.
  newsStatements: limit(17, 'statements in one news of a device: each costs a signature check; then refused with 4420'),
  contacts: limit(1_000, 'owners and devices one device may allow; then refused with 4420'),
  prekeys: limit(100, 'one-time prekeys held for one device; then refused with 4420'),
  oneTimePerHour: limit(5, 'one-time prekeys of a device handed to one peer in an hour; then the last-resort one'),

  // Streams.
  streams: limit(64, 'streams of one connection at once; then refused with 4420'),
  streamsOfContact: limit(
    32,
    'of these, streams that devices of one other owner opened to it: the rest stays free for its own; then 4420',
  ),
  window: limit(128 * kiB, 'bytes of credit of a new stream, each way', kiB, 2 ** 32 - 1),
  maxWindow: limit(
    256 * kiB,
    'bytes of credit outstanding at most, each way; a grant above it closes with 4416',
    kiB,
    2 ** 32 - 1,
  ),
  openMs: limit(30_000, 'milliseconds in which a stream must be taken by the device it was opened to', 100, 3_600_000),

  // Meetings.
  meetings: limit(1_000, 'meetings at once; then refused with 4420'),
  meetingsPerOwner: limit(wire.maxOpenCodes, 'of these, opened by the devices of one owner; then refused with 4420'),
  meetingSeconds: limit(wire.meetingSeconds, 'seconds that a meeting lasts', 1, 86_400),
  meetingBytes: limit(2 * miB, 'bytes said in one meeting, both ways together; then it ends with 4419'),

  // The operator.
  refusalsAlert: limit(20, 'refusals of one address within a minute that raise an alert, once a spell'),
  refusalsAlertTogether: limit(500, 'refusals of all addresses within a minute that raise an alert, once a spell'),
  logLinesPerMinute: limit(
    120,
    'log lines a minute about refusals and cuts, about devices that come, and about each kind of alert; what is above is counted in one line',
  ),
  storageAlertPercent: limit(80, 'percent of the database size in use that raise an alert', 1, 100),
} as const satisfies Record<string, RelayLimit>;

export type RelayLimitName = keyof typeof relayLimitTable;
export type RelayLimits = Readonly<Record<RelayLimitName, number>>;

const entries = Object.entries(relayLimitTable) as [RelayLimitName, RelayLimit][];

/** The defaults. */
export const relayLimits: RelayLimits = Object.freeze(
  Object.fromEntries(entries.map(([name, { default: value }]) => [name, value])) as Record<RelayLimitName, number>,
);

/** Pairs of which the first may not be above the second: a limit that could never bite, or a relay that serves nobody. */
const order: readonly (readonly [RelayLimitName, RelayLimitName])[] = [
  ['reservedConnections', 'connections'],
  ['strangers', 'connections'],
  ['strangersPerAddress', 'strangers'],
  ['reservedOwners', 'owners'],
  ['pingMs', 'silentMs'],
  ['mailPerMinute', 'ownerMailPerMinute'],
  ['mailBurst', 'ownerMailBurst'],
  ['mailOfContacts', 'pendingMail'],
  ['mailBytesOfContacts', 'pendingMailBytes'],
  ['senderMail', 'pendingMail'],
  ['senderMailBytes', 'pendingMailBytes'],
  ['contactMail', 'mailOfContacts'],
  ['contactMailBytes', 'mailBytesOfContacts'],
  ['mailSeconds', 'mailSecondsMost'],
  ['streamsOfContact', 'streams'],
  ['window', 'maxWindow'],
  ['meetingsPerOwner', 'meetings'],
];

/** What is kept free of something, or for strangers, is a quarter of it at most, unless whoever runs the relay says more. */
const shares: readonly (readonly [RelayLimitName, RelayLimitName])[] = [
  ['reservedConnections', 'connections'],
  ['strangers', 'connections'],
  ['reservedOwners', 'owners'],
];

/** Throws `host.bad_config`, naming the limit, where one is out of its range or contradicts another. */
export function checkRelayLimits(limits: RelayLimits): void {
  for (const [name, { min, max }] of entries) {
    const value = limits[name];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw fail('host.bad_config', `limit ${name} must be a whole number from ${min} to ${max}`);
    }
  }
  for (const [least, most] of order) {
    if (limits[least] > limits[most]) throw fail('host.bad_config', `limit ${least} is above ${most}`);
  }
  // Whoever comes is a stranger first, and then most often a newcomer: without a place for both nobody ever gets in.
  if (limits.reservedConnections + limits.strangers >= limits.connections) {
    throw fail('host.bad_config', 'limits reservedConnections and strangers leave no connections to new owners');
  }
}

/**
 * The limits in force: the defaults, and what is given instead. A default never contradicts what was given: where only one
 * of a pair is said, the other follows it. Throws as `checkRelayLimits`.
 */
export function relayLimitsWith(given: Partial<RelayLimits> = {}): RelayLimits {
  const limits: Record<RelayLimitName, number> = { ...relayLimits, ...given };
  for (const [share, most] of shares) {
    const { min } = relayLimitTable[share];
    if (given[share] === undefined)
      limits[share] = Math.max(min, Math.min(limits[share], Math.floor(limits[most] / 4)));
  }
  for (const [least, most] of order) {
    if (limits[least] <= limits[most]) continue;
    if (given[least] === undefined) limits[least] = limits[most];
    else if (given[most] === undefined) limits[most] = limits[least];
  }
  checkRelayLimits(limits);
  return Object.freeze(limits);
}
