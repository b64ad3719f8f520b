/** What the relay tells its operator. Ids are shortened by whoever writes the line; payloads and tokens never come here. */
export type RelayEvent =
  /** A device is connected. */
  | 'relay.ready'
  /** Proofs were refused, or an address turned away: the first of a spell, then one line with their count. */
  | 'relay.refused'
  /** The relay ended connections: the first of a spell, then one line with their count. */
  | 'relay.cut'
  /** More lines of the kinds above, or alerts, than a minute has room for; their count. */
  | 'relay.unlogged'
  /** Storage could not do what was asked. */
  | 'relay.storage_failed'
  | RelayAlert;

/** What an operator should hear of at once. */
export type RelayAlert =
  /** An owner was here for the first time: owner, device, address. */
  | 'relay.first_owner'
  /** A device of an owner was here for the first time: owner, device, address. */
  | 'relay.first_device'
  /** A device proved itself for another owner than before (owner, device, address), or an owner's root is another (owner). */
  | 'relay.key_changed'
  /** Two or more take turns in the place of one device: device, owner, address, count of replacements. Once a spell. */
  | 'relay.flapping'
  /** Many refusals within a minute, of one address or (without address) of all: count, code of the last. Once a spell. */
  | 'relay.refusals'
  /** An owner revoked a device that was known here: owner, device. */
  | 'relay.revoked'
  /** The database is nearly full: value, in percent. Once, until there is room again. */
  | 'relay.storage';

export interface RelayFields {
  /** What the address counts as: an IPv4 address or an IPv6 /64. */
  readonly address?: string;
  readonly device?: string;
  readonly owner?: string;
  readonly code?: string;
  /** How often. */
  readonly count?: number;
  readonly value?: number;
}

export type RelayLog = (event: RelayEvent, fields: RelayFields) => void;
