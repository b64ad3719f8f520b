/**
 * End-to-end sessions, in terms of bytes in and bytes out: joining by a code, channels between two devices, mail to one
 * that is away, and sealing once. No sockets, no storage, no clock and no randomness but what is given.
 */
export type { Channel } from './channel/channel.ts';
export { maxMessageBytes, maxRecordBytes, maxRecordPlaintext } from './channel/limits.ts';
export { MessageReader, sealMessage } from './channel/messages.ts';
export {
  type ChannelContext,
  type ChannelHandshake,
  type ChannelOptions,
  type ChannelParty,
  startChannel,
} from './channel/start.ts';
export {
  type CodeKind,
  encodeCode,
  type JoinCode,
  meetingName,
  newCodeSecret,
  parseCode,
} from './join/code.ts';
export {
  type Joined,
  type Joining,
  type JoinOptions,
  type JoinRole,
  maxIntroductionBytes,
  startJoining,
} from './join/joining.ts';
export { codeWords, parseCodeWords } from './join/words.ts';
export type { MailPeer, MailSelf } from './mail/agreement.ts';
export { bundleFromMembers, bundleToMembers, type PrekeyBundle, type PrekeyMembers } from './mail/bundle.ts';
export { maxMailPlaintext, maxOneTimeKeys } from './mail/limits.ts';
export { Prekeys } from './mail/prekeys.ts';
export { acceptMail, beginsSession, MailSession, startMail } from './mail/session.ts';
export { maxSealedPlaintext, type OpenOptions, openSealed, type SealOptions, sealTo } from './seal.ts';
