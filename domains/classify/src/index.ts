export { type Classify, type ClassifyOptions, classifyClass, createClassify } from './classify.ts';
export { type Detector, MAX_INSPECT_MS, MAX_WAITING, openDetector } from './detect/detector.ts';
export { type ClassifyDatabase, openClassify } from './store/open.ts';
export { type Category, categories, type Finding, MAX_FINDINGS, type Tier, type Verdict } from './verdict.ts';
