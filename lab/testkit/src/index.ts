export { type ManualClock, manualClock, testEpoch } from './clock.ts';
export { findProgram, whereEngine } from './engine.ts';
export { type LedgerTake, type TestLedger, testLedger } from './ledger.ts';
export {
  type AgentOptions,
  approvalFor,
  asDevice,
  bundleOf,
  makeAgent,
  makeApproval,
  makeDelegate,
  makeLife,
  makePermit,
  makeRequest,
  makeUse,
  type PermitOptions,
  type RequestOptions,
  type TestAsker,
  type TestLife,
  type TestRequest,
  testPath,
  type UseOptions,
} from './life.ts';
export { headLine, ownersLeafOf, TestLog, type TestLogOptions, TestRegistry } from './log.ts';
export { testMemory } from './memory.ts';
export {
  enrolment,
  makeDevice,
  makeOwner,
  statementsOf,
  type TestClass,
  type TestDevice,
  type TestOwner,
  type TestOwnerOptions,
  testClasses,
  testGrant,
} from './owner.ts';
export { bytesOf, hashText, type TestPasskey, testPasskey } from './passkey.ts';
export { freePort, type Pebble, type PebbleOptions, pebbleWorks, startPebble } from './pebble.ts';
export { seededRandom, testSigner } from './random.ts';
export { type TestSink, testSink } from './sink.ts';
export {
  type AckRules,
  checkAcks,
  createTraceReader,
  type StraceProof,
  type StraceRun,
  type Syscall,
  straceAcks,
  straceWorks,
  type Unproven,
} from './strace.ts';
export {
  makeUser,
  presentUse,
  type TestAnswer,
  type TestCall,
  type TestUser,
  type TestWorker,
  useWorker,
} from './using.ts';
export { testViews } from './views.ts';
