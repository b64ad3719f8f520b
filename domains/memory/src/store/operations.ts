/** The operations of the storage thread: those of the ledger and the event chain, and memory's own. */
export {
  appendEvent,
  checkEvents,
  eventHead,
  finishUse,
  intendUse,
  openIntents,
  publishedEvents,
  readEvents,
  redactEvent,
  unpublishedEvents,
  useCounts,
} from '@caponier/store/operations';
export { getEntry, listEntries, putEntry, searchEntries } from './entries.ts';
export { answerSuggestion, listSuggestions, suggest } from './suggestions.ts';
