export { buildCapsule, type CapsuleMaterial, type LoggedStatement, type UseMaterial } from './capsule/build.ts';
export { maxCapsuleBytes, maxCapsuleUses, maxTrustFileBytes } from './capsule/form.ts';
export type { CapsuleReport, CapsuleStory } from './capsule/report.ts';
export { buildTrustFile } from './capsule/trust-file.ts';
export { verifyCapsule } from './capsule/verify.ts';
export { type FollowerOptions, fetchMs, LogFollower, retryMs, silenceMs } from './follow/follower.ts';
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
export { challengeSeconds, HelloChallenges, maxUsedChallenges } from './hello/challenges.ts';
export { proveDevice } from './hello/device.ts';
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
export { type ApprovalTerms, countApprovals, judgeApproval, maxApprovalSeconds } from './request/approvals.ts';
export {
  askUnderCheck,
  checkAskBody,
  checkAsker,
  checkAskGrant,
  checkAskStanding,
  checkAskTimes,
} from './request/ask.ts';
export { Bundle, maxLifeBytes, maxLifeStatements } from './request/bundle.ts';
export { type Asker, RequestUnderCheck, type Views } from './request/context.ts';
export { covers, matches, matchesAgent } from './request/patterns.ts';
export {
  groupOf,
  hearApprovers,
  openSubmission,
  type ServiceViews,
  type SubmissionPorts,
  subjectOf,
} from './request/submission.ts';
export { maxRequestSeconds, maxUseSeconds, requireTime } from './request/times.ts';
export { openOutcome, type PresentedIds } from './worker/answer.ts';
export { CheckedUse, type CheckPorts, checkUse } from './worker/checked.ts';
export { decodeWorkerEvent, encodeWorkerEvent, outcomeOfEvent, type WorkerEvent } from './worker/events.ts';
export { type Act, doneCode, type OutcomePorts, type PerformPorts, performUse, recoverUses } from './worker/perform.ts';
export type { CountKey, EventPlace, Intent, NewEvent, OpenIntent, Period, WorkerLedger } from './worker/ports.ts';
export {
  maxUsesUnderWay,
  maxUsesUnderWayPerOwner,
  type Operation,
  startWorker,
  type WorkerOptions,
  type WorkerService,
} from './worker/serve.ts';
export type { Call, Serves } from './worker/under-check.ts';
export {
  decodeAnswer,
  encodeAnswer,
  encodeUse,
  maxAnswerBodyBytes,
  maxAnswerBytes,
  maxUseBodyBytes,
  maxUseBytes,
  openUse,
  type PresentedUse,
  type UseAnswer,
  usePath,
} from './worker/wire.ts';
