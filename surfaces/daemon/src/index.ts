export { createDaemon } from './daemon.ts';
export {
  boxKeyFile,
  deviceKeyFile,
  deviceSeeds,
  type Identity,
  identityFile,
  readIdentity,
  socketFile,
  writeIdentity,
} from './identity.ts';
export {
  type Listed,
  type LocalArgs,
  type LocalCallName,
  type LocalLines,
  type LocalResults,
  type LocalStreamArgs,
  type LocalStreamName,
  type LocalTalkName,
  localCalls,
  localStreams,
  localTalks,
  maxLocalJson,
  maxShellMessage,
  shellErrors,
  shellOutput,
  type TalkEnd,
  type TalkHeard,
  type TalkSaid,
} from './local-api.ts';
export { type LocalClient, localClient, type Talk } from './local-client.ts';
export { defaultLives, runAgent } from './run/supervisor.ts';
export type { Daemon, DaemonOptions, RunAgentOptions } from './types.ts';
