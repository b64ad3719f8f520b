/** What the relay tells its operator. Ids are shortened by whoever writes the line; payloads and tokens never come here. */
export type RelayEvent =
  /** A device is connected. */
  | 'relay.ready'
  /** An owner, or a device of an owner, was here for the first time. */
  | 'relay.registered'
  /** A proof was refused, or an address turned away. */
  | 'relay.refused'
  /** The relay ended a connection. */
  | 'relay.cut'
  /** Storage could not do what was asked. */
  | 'relay.storage';

export interface RelayFields {
  /** What the address counts as: an IPv4 address or an IPv6 /64. */
  readonly address?: string;
  readonly device?: string;
  readonly owner?: string;
  readonly code?: string;
}

export type RelayLog = (event: RelayEvent, fields: RelayFields) => void;
