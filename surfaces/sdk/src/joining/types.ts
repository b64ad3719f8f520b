import type { KeyPair } from '@caponier/crypto';
import type { Did, Signer } from '@caponier/protocol';
import type { CodeKind } from '@caponier/session';
import type { SignedNeed, SigningNeed, StartMaterial } from '../owner/types.ts';

export type JoinKind = Extract<CodeKind, 'member' | 'controller' | 'approver' | 'contact'>;

/** Who is at the other end. `name` is the peer's own word, of the form of a device name. */
export interface JoinPeer {
  readonly owner: string | null;
  readonly device: Did;
  readonly name: string;
}

/** What happens at the side that adds, in this order. `sign` may not come where nothing has to be signed. Plain JSON. */
export type AddingEvent =
  | {
      readonly type: 'code';
      /** `https://relay/#…`, for a link or QR. */
      readonly code: string;
      /** Twelve words: the secret alone; the relay is named beside it. */
      readonly words: string;
      readonly relay: string;
      /** Milliseconds since the epoch. */
      readonly expires: number;
    }
  | { readonly type: 'compare'; readonly safetyNumber: string; readonly peer: JoinPeer }
  /** Both said yes: answer with `sign`. */
  | { readonly type: 'sign'; readonly need: SigningNeed }
  | { readonly type: 'done'; readonly kind: JoinKind; readonly peer: JoinPeer };

export interface Adding {
  /** Ends after `done`, or throws: `code.declined`, `code.expired`, `relay.*`, `session.*`, … */
  readonly events: AsyncIterable<AddingEvent>;
  /** The person's answer to `compare`. */
  confirm(yes: boolean): void;
  /** The answer to `sign`. */
  sign(signed: SignedNeed): void;
  cancel(): void;
}

/** What happens at the side that joins. Plain JSON but for `done`, which is stored as it says. */
export type JoiningEvent =
  | { readonly type: 'compare'; readonly safetyNumber: string; readonly kind: JoinKind; readonly peer: JoinPeer }
  | { readonly type: 'sign'; readonly need: SigningNeed }
  | { readonly type: 'done'; readonly result: JoinResult };

export interface Joining {
  readonly events: AsyncIterable<JoiningEvent>;
  confirm(yes: boolean): void;
  sign(signed: SignedNeed): void;
  /** Call once what `done` gave is stored: the other side waits for it. */
  stored(): Promise<void>;
  cancel(): void;
}

/** Everything that the joiner must store. Before this, nothing is to be stored. */
export interface JoinResult {
  readonly kind: JoinKind;
  /** Null for a contact who has an owner already: its home stays as it is. */
  readonly start: StartMaterial | null;
  /** The name of this device, as enrolled. */
  readonly name: string;
  readonly role: 'controller' | 'member';
  /** The other owner, for kind `contact`. */
  readonly contact: { readonly owner: string; readonly name: string } | null;
}

/** The keys of a device; their owner keeps the seeds. */
export interface DeviceKeys {
  readonly signer: Signer;
  /** X25519. */
  readonly box: KeyPair;
}

export interface AddOptions {
  readonly kind: JoinKind;
  /** What this owner calls the contact; for a device, the name that it gets instead of the one it asks for. */
  readonly name?: string;
  /** Whether relay and registry take nobody new without a ticket; then `sign` asks for tickets, too. */
  readonly tickets?: boolean;
}

export interface JoinOptions {
  /** `https://relay/#…` */
  readonly code?: string;
  /** Or twelve words and the relay's address (with its pin, where the certificate is its own). */
  readonly words?: string;
  readonly relay?: string;
  readonly pin?: string | null;
  readonly keys: DeviceKeys;
  /** The name this device wants. */
  readonly device: string;
  /** What this owner calls the contact, for kind `contact`. */
  readonly contact?: string;
  /** Root of an owner to be made on the way, where kind `contact` is joined without one. */
  readonly root?: Signer;
}
