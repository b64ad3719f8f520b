export { defaultRoundMs, defaultRounds, interleave, median, type Round, rate } from './measure.ts';
export { collect, table } from './report.ts';
export type { Report, Row, Suite } from './suite.ts';
export { loadSuite, suiteNames } from './suites.ts';
