export { createGate, type Gate, type GateOptions } from './gate.ts';
export { type GateStore, openGateStore } from './sqlite.ts';
