export { finishUse, intendUse, openIntents, useCounts } from '@caponier/store';
