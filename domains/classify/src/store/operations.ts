/** The operations of the storage thread: classify keeps no text, only the ledger of its uses and their events. */
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
