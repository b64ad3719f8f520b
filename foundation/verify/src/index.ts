export { type FollowerOptions, LogFollower, retryMs, silenceMs } from './follow/follower.ts';
export { type DatedView, type Purpose, requireFresh } from './follow/freshness.ts';
export { maxUncoveredBytes, maxUncoveredLeaves, openHead } from './follow/heads.ts';
export { RegistryHttp, type RegistryHttpOptions } from './follow/http.ts';
export type {
  FollowMemory,
  LogAnchor,
  RaiseAlarm,
  RegistryReader,
  StandingRemoval,
  StoredHead,
  StoredLeaf,
  Wait,
} from './follow/ports.ts';
export { challengeSeconds, HelloChallenges } from './hello/challenges.ts';
export {
  cosignSeconds,
  OwnerChain,
  type Pen,
  type Signed,
  signCosign,
  signNext,
  signOwner,
  type WireStatement,
} from './owner/chain.ts';
export { maxFreezesPerApprover } from './owner/freezes.ts';
export { type MemberProof, verifyMember } from './owner/membership.ts';
export { type ChainEntry, maxChainStatements, openChainStatement, openCosigns, replayChain } from './owner/replay.ts';
export type { Approver, Device, Epoch, Grant, Policy, Roots, Trust } from './owner/state.ts';
export { deviceClass, type LaterKind, type Members, OwnerView, type ViewMode } from './owner/view.ts';
