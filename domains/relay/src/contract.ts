import type { Random } from '@caponier/crypto';
import type { Did, Signer } from '@caponier/protocol';
import type { Hono } from 'hono';
import type { Admission, AdmissionPolicy } from './admission/admission.ts';
import type { ResumeSecrets } from './admission/resume.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayLog } from './log.ts';
import type { RelayMeter } from './meter.ts';
import type { MembershipSource } from './owners/owners.ts';
import type { RelayLink, RelaySocket } from './socket.ts';
import type { RelayStore } from './store/open.ts';

/** What a relay is made of, and what it does for whoever composes it. */

export interface RelayOptions {
  /** Where mail, slots and owners are kept. The relay does not close it. */
  readonly store: RelayStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** The relay's own key, by which devices name it. It signs nothing here. */
  readonly signer: Pick<Signer, 'did'>;
  readonly admission: AdmissionPolicy;
  /** Calls `work` every so many milliseconds; yields how to stop. */
  readonly every: (ms: number, work: () => void) => () => void;
  /** A reader of the registry, where there is one. */
  readonly views?: MembershipSource;
  readonly resume?: ResumeSecrets;
  /** Keys of services that connect without an owner. */
  readonly services?: readonly Did[];
  /** The pin of the certificate, as clients know it, where TLS ends here: a `hello` names it, or null. */
  readonly tls?: string | null;
  /** Limits other than the defaults. */
  readonly limits?: Partial<RelayLimits>;
  readonly log?: RelayLog;
  /** Told of every alert, and of every failure of the store, whether or not the log has a line left for it this minute. */
  readonly alert?: RelayLog;
  readonly meter?: RelayMeter;
}

/** What there is at this moment. */
export interface RelayCounts {
  readonly connections: number;
  /** Of these, connections that have proven nothing, guests of meetings among them. */
  readonly strangers: number;
  /** Proofs of devices not known here that are under way. */
  readonly proving: number;
  /** Devices that are connected. */
  readonly devices: number;
  readonly meetings: number;
  readonly streams: number;
  /** Bytes that wait for peers to read them, as of the last look (each second). */
  readonly bufferedBytes: number;
  /** As of the last look at the store (each minute); 0 before the first. */
  readonly owners: number;
  readonly mails: number;
  readonly mailBytes: number;
}

export interface Relay {
  /**
   * Takes a new connection; yields what to tell about it. `address` is what limits count by: an IPv4 address, or the /64
   * of an IPv6 one (`addressKey` of the host module).
   */
  handleSocket(socket: RelaySocket, address: string): RelayLink;
  /**
   * Why a connection from this address would be closed at once, to be asked before a WebSocket is made: HTTP status, and
   * seconds for `Retry-After`. Null where it may come.
   */
  turnsAway(address: string): { readonly status: 429 | 503; readonly retryAfter: number } | null;
  /** Statements that only remove authority, from any source: in effect on sight. Throws the codes of statements and owners. */
  present(statements: readonly string[]): Promise<void>;
  /** The one way to a slot, without a socket. */
  readonly admission: Admission;
  /** Answers /healthz and /readyz. */
  readonly app: Hono;
  /** Whether the store answers, rates of before a restart are known, and the registry's view is fresh. */
  isReady(): Promise<boolean>;
  counts(): RelayCounts;
  /** Tells everybody to go (1001) and stops. */
  close(): void;
}
