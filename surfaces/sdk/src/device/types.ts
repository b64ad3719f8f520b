import type { KeyPair } from '@caponier/crypto';
import type { Did, ErrorCode, Payload, Signer } from '@caponier/protocol';
import type { DatedView, OwnerView, Purpose, RaiseAlarm, WireStatement } from '@caponier/verify';
import type { Channels } from '../channels/types.ts';
import type { Service } from '../directory/types.ts';
import type { Adding, AddOptions, Joining, JoinOptions } from '../joining/types.ts';
import type { Mailbox } from '../mail/types.ts';
import type { Draft, FreezeTarget, PublishReport, SigningNeed, StartMaterial } from '../owner/types.ts';
import type { Asks, Permits } from '../permits/types.ts';
import type { Platform } from '../platform/platform.ts';
import type { KeyValue } from '../store/key-value.ts';

export interface DeviceOptions extends Platform {
  readonly identity: {
    readonly owner: string;
    readonly signer: Signer;
    /** X25519. */
    readonly box: KeyPair;
  };
  readonly start: StartMaterial;
  readonly store: KeyValue;
  /** Told of signed facts that contradict each other; the device signs and keeps an `alarm`, too. */
  readonly onAlarm?: RaiseAlarm;
  /** Told of what went wrong in the background, by code. Never holds names, texts or keys. */
  readonly onTrouble?: (where: string, code: ErrorCode) => void;
}

export interface Blocking {
  readonly who: string;
  readonly blocked: boolean;
  /** Whether the relay knows; else it is told at the next connection. */
  readonly told: boolean;
}

export interface DeviceStatus {
  readonly owner: string;
  readonly did: Did;
  readonly name: string;
  readonly role: 'controller' | 'member';
  readonly devices: readonly {
    readonly name: string;
    readonly did: Did;
    readonly role: string;
    readonly approver: boolean;
    readonly frozen: boolean;
  }[];
  readonly contacts: readonly { readonly name: string; readonly owner: string }[];
  readonly freezes: readonly { readonly id: string; readonly what: string; readonly target: string | null }[];
  /** Whether a recovery key stands; without one a thief of the root's machine is the owner. */
  readonly recovery: boolean;
  readonly relay: 'connected' | 'connecting' | 'refused';
  readonly log: { readonly size: number; readonly age: number | null; readonly trouble: ErrorCode | null };
  readonly services: readonly Service[];
}

/** Everything networked of one device. One runs per device; the daemon hosts it. */
export interface Device {
  readonly owner: string;
  readonly did: Did;
  /** Begins following, connecting, receiving. Returns at once; `ready` tells when. */
  start(): void;
  /** Resolves when the owner's view is caught up and fresh and the relay has taken the device; rejects with what prevents it, after `ms`. */
  ready(ms?: number): Promise<void>;
  close(): Promise<void>;
  status(): Promise<DeviceStatus>;

  /** Views of owners, caught up with the log. */
  readonly views: {
    /** Throws `owner.unknown`, `owner.withheld`, `log.*`. */
    get(owner?: string): DatedView;
    /** As `get`; throws `owner.stale_view` beyond what the purpose allows. */
    fresh(purpose: Purpose, owner?: string): OwnerView;
    onChange(listener: (owner: string) => void): () => void;
    /** Waits until the condition holds for this owner's view. Throws `owner.stale_view` after `ms`. */
    until(condition: (view: OwnerView) => boolean, ms?: number): Promise<OwnerView>;
  };
  /** The services that the owner's trust and its operators name. Throws `directory.no_service`. */
  service(role: Service['role'], of?: string): Service;
  services(): readonly Service[];

  readonly mail: Mailbox;
  readonly channels: Channels;
  readonly permits: Permits;
  readonly asks: Asks;

  /** Opens a meeting and yields a code. The owner's hand signs. */
  add(options: AddOptions): Adding;
  /** Joins another owner as a contact, with the owner this device has. */
  joinContact(options: Pick<JoinOptions, 'code' | 'words' | 'relay' | 'pin'> & { readonly contact: string }): Joining;

  /**
   * Blocks a contact (`bob`) or one of its devices (`bob/phone`), or no longer: its mail and streams do not reach this
   * device, what waits from it is dropped, and it is not told. Throws `mail.no_recipient`, `contact.too_many_blocked`.
   */
  block(who: string, blocked: boolean): Promise<Blocking>;

  /** What the owner's hand needs to sign the next statements; see `signNeed`. */
  need(drafts: readonly Draft[]): Promise<SigningNeed>;
  /** Takes signed statements to the registry; what removes authority is pushed to every service directly, first. */
  publish(statements: readonly WireStatement[]): Promise<PublishReport>;
  /** Signed by this device, which must be an approver. */
  freeze(target: FreezeTarget): Promise<PublishReport & { readonly id: string }>;
  /** New addresses of services, signed by an operator of the trust. */
  learn(services: readonly string[]): Promise<void>;

  /** A capsule's bytes of one request, by its id; and the owner's trust file. */
  capsule(request: string): Promise<Uint8Array>;
  trustFile(): Promise<Uint8Array>;
  /** Events known of the requests of this device: for `log`. */
  log(options?: { readonly limit?: number }): Promise<readonly LogEntry[]>;
}

/** A line of this device's own record of what it asked for. Plain JSON. */
export interface LogEntry {
  readonly request: string;
  readonly at: number;
  readonly agent: string | null;
  readonly op: string;
  readonly resource: string;
  readonly decision: Payload<'permit'>['decision'] | null;
  readonly result: Payload<'outcome'>['result'] | null;
  readonly code: string;
}
