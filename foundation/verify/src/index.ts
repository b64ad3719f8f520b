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
