/** What the command line needs for most of its commands: the daemon's side is not loaded with it. */
export {
  boxKeyFile,
  deviceKeyFile,
  deviceSeeds,
  type Identity,
  identityFile,
  keepTicket,
  readIdentity,
  socketFile,
  writeIdentity,
} from './identity.ts';
export type {
  LocalArgs,
  LocalCallName,
  LocalLines,
  LocalResults,
  LocalStreamArgs,
  LocalStreamName,
  LocalTalkName,
  TalkHeard,
  TalkSaid,
} from './local-api.ts';
export { shellErrors, shellOutput } from './local-api.ts';
export { type LocalClient, localClient, type Talk } from './local-client.ts';
