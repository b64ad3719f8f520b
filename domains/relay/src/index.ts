export {
  Admission,
  type AdmissionPolicy,
  type Admitted,
  maxHelloSeconds,
  type Proof,
} from './admission/admission.ts';
export { minResumeSecretLength, type ResumeSecrets, resumeSeconds } from './admission/resume.ts';
export type { Relay, RelayCounts, RelayOptions } from './contract.ts';
export {
  checkRelayLimits,
  type RelayLimit,
  type RelayLimitName,
  type RelayLimits,
  relayLimits,
  relayLimitsWith,
  relayLimitTable,
} from './limits.ts';
export type { RelayEvent, RelayFields, RelayLog } from './log.ts';
export {
  type RelayCounter,
  type RelayCounterValue,
  type RelayMeter,
  type RelayTiming,
  relayCounters,
  relayTimings,
  silentMeter,
} from './meter.ts';
export { acceptWebSocket, relayServerOptions } from './node/web-socket.ts';
export type { MembershipSource } from './owners/owners.ts';
export { createRelay } from './relay.ts';
export type { RelayLink, RelaySocket } from './socket.ts';
export { openRelayStore, type RelayStore, relayStoreBytes } from './store/open.ts';
export { relayTables } from './store/tables.ts';
