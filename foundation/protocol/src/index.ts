export { checkBody, digestBody, type SaltedDigest } from './body.ts';
export { type DecisionEvent, decodeDecisionEvent, encodeDecisionEvent } from './decision-event.ts';
export { type BoxDid, type Did, decodeDid, encodeDid, isDid, type KeyType, keyOf } from './did.ts';
export { type ErrorCode, entryOf, errorCatalogue, fail } from './errors/catalogue.ts';
export type { ErrorEntry } from './errors/define.ts';
export { errorOfProblem, type Problem, problemContentType, problemOf } from './errors/problem.ts';
export { eventHash, firstPrev } from './event.ts';
export type { Custody } from './kinds/members.ts';
export {
  type ChainKind,
  chainKinds,
  formOf,
  type Kind,
  kinds,
  type LeafClass,
  leafClassOf,
  maxBytesOf,
  type Payload,
} from './kinds/table.ts';
export * as limits from './limits.ts';
export * as permitWire from './permit-wire.ts';
export * as registryWire from './registry-wire.ts';
export {
  channelOf,
  decodeFrame,
  encodeFrame,
  type FrameInput,
  isDataFrame,
  relayErrorOf,
  relayNumberOf,
  setChannel,
} from './relay-wire/codec.ts';
export {
  type Frame,
  type FrameName,
  maxDataBytes,
  maxMailBytes,
  maxResumeBytes,
  relayFrames,
  relayHeaderBytes,
  relayNumbered,
  relayVersion,
  type Side,
  type Verdict,
  verdicts,
} from './relay-wire/table.ts';
export { type Signer, seedSigner } from './signer.ts';
export { idOf } from './statement/compact.ts';
export { assemblePasskeyApproval, passkeySigningInput, sign } from './statement/sign.ts';
export { claimedKind, Verified, verifyStatement } from './statement/verified.ts';
export { type PasskeyAssertion, type PasskeyContext, signatureFromDer } from './statement/webauthn.ts';
export * as workerWire from './worker-wire.ts';
