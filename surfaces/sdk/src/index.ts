/** What programs import: a device and everything it does, joining, making an owner, and the owner's hand. */

export { createTransport } from '#transport';
export {
  type Call,
  type CallArgs,
  type CallName,
  type CallResults,
  encodeCall,
  encodeFailure,
  encodeResult,
  maxCallLine,
  parseCall,
  parseReply,
} from './agent/calls.ts';
export type { Admit, ChannelPeer, ChannelPurpose, Channels, Duplex } from './channels/types.ts';
export { deviceKeysOf, joinByCode, newDeviceSeeds } from './device/begin.ts';
export { createDevice } from './device/device.ts';
export type { Blocking, Device, DeviceOptions, DeviceStatus, LogEntry } from './device/types.ts';
export type { Service, ServiceRole } from './directory/types.ts';
export type {
  Adding,
  AddingEvent,
  AddOptions,
  DeviceKeys,
  Joining,
  JoiningEvent,
  JoinKind,
  JoinOptions,
  JoinPeer,
  JoinResult,
} from './joining/types.ts';
export type { Letter, Mailbox, MailContent, SendOptions, Sent } from './mail/types.ts';
export { publishOwner, publishPolicy, servicesOfStart } from './owner/first.ts';
export {
  anchorOf,
  type MadeOwner,
  type MakeOwnerOptions,
  makeOwner,
  signServices,
  starterGrant,
} from './owner/make.ts';
export { type Hand, signDrafts, signNeed, signTicket } from './owner/sign.ts';
export type {
  Draft,
  FreezeTarget,
  GrantMembers,
  PublishReport,
  Push,
  SignedNeed,
  SigningNeed,
  StartMaterial,
  TicketDraft,
} from './owner/types.ts';
export type { Asker, AskOptions, Asks, Card, Performed, PerformOptions, Permits } from './permits/types.ts';
export { call, callText } from './platform/call.ts';
export { fetchOver } from './platform/fetch.ts';
export { helloFor } from './platform/hello.ts';
export { type Platform, systemWait } from './platform/platform.ts';
export { type Registration, registerAtRelay } from './relay/index.ts';
export type { KeyValue, KeyValueChange } from './store/key-value.ts';
export { memoryKeyValue } from './store/memory.ts';
export { printable } from './text/printable.ts';
export type { Transport } from './transport/types.ts';
