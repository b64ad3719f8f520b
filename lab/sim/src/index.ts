export { Dice } from './dice.ts';
export { loadTorture, tortureNames } from './list.ts';
export { FailedRound, maxSeed, runTorture, type TortureRun } from './run.ts';
export { Broken, type Tally, type Torture } from './types.ts';
