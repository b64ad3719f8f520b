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
