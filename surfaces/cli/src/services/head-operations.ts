/** What is done to the file of heads, inside its storage thread. */
export {
  advanceLog,
  fillLeaf,
  logHead,
  logLeaves,
  settleRemoval,
  standingRemovals,
  standRemoval,
} from '@caponier/store/heads';
